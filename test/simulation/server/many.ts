/**
 * Lives many lives of servers, one after the other: `node test/simulation/server/many.ts <first seed> <how many>`. What goes
 * wrong is printed, shortened, with its seed and steps; the exit code says whether anything did.
 */
import { simulate } from './simulate.ts'

const mostFailures = 10

const [first, count] = [Number(process.argv[2] ?? 1), Number(process.argv[3] ?? 1_000)]
const failures: string[] = []
for (let seed = first; seed < first + count && failures.length < mostFailures; seed++) {
  await simulate(seed).catch((error: Error) => failures.push(error.message))
}
console.log(failures.join('\n\n') || `${count} lives, from seed ${first} on: every promise was kept`)
process.exit(failures.length > 0 ? 1 : 0)
