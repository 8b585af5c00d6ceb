// Lives many schedules outside of a test run: node test/simulation/many.ts <first seed> <how many> [shorten]
import { Random } from '../helpers/random.ts'
import { installGlobals } from './world/browser.ts'
import { failureOf, simulate } from './world/simulate.ts'
import { schedule } from './world/steps.ts'

const [first = '1', count = '1000', how] = process.argv.slice(2)
installGlobals()
const kinds = new Map<string, number[]>()
const begun = performance.now()
for (let seed = Number(first); seed < Number(first) + Number(count); seed++) {
  const failure =
    how === 'shorten'
      ? await simulate(seed).then(
          () => null,
          (error: Error) => error.message,
        )
      : await failureOf(seed, schedule(new Random(seed)))
  if (!failure) continue
  const kind = failure.split('\n', 1)[0]!.replaceAll(/[+-]?\d+/g, '#')
  const seeds = kinds.get(kind) ?? []
  kinds.set(kind, [...seeds, seed])
  if (how === 'shorten' || seeds.length === 0) console.log(`seed ${seed}: ${failure}`)
}
const seconds = (performance.now() - begun) / 1000
console.log(`${count} schedules in ${seconds.toFixed(0)} s`)
for (const [kind, seeds] of [...kinds].sort(([, a], [, b]) => b.length - a.length)) {
  console.log(`${seeds.length} × ${kind} (${seeds.slice(0, 6)})`)
}
