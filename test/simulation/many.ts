/**
 * Lives many lives, one after the other: `node test/simulation/many.ts <first seed> <how many>`; or the one that once went
 * wrong, by its number: `node test/simulation/many.ts once <number>`. What goes wrong is printed, shortened, with its
 * seed and steps; the exit code says whether anything did.
 *
 * In a process of its own, because a module that is loaded when it is needed comes in no time here: in a test runner
 * it takes real time, and the same seed would not give the same life.
 */
import { once } from './once.ts'
import { installGlobals } from './world/browser.ts'
import { failureOf, simulate } from './world/simulate.ts'

const mostFailures = 3

async function failuresOf(first: string, second: string): Promise<string[]> {
  if (first === 'once') {
    const [what, seed, steps] = once[Number(second)]!
    const failure = await failureOf(seed, steps)
    return failure ? [`${what}: ${failure}`] : []
  }
  const failures: string[] = []
  for (let seed = Number(first); seed < Number(first) + Number(second); seed++) {
    await simulate(seed).catch((error: Error) => failures.push(error.message))
    if (failures.length === mostFailures) break
  }
  return failures
}

installGlobals()
// what apps and Yjs say about listeners that throw
console.error = console.warn = () => {}
const failures = await failuresOf(process.argv[2] ?? '1', process.argv[3] ?? '1000')
console.log(failures.join('\n\n'))
process.exit(failures.length > 0 ? 1 : 0)
