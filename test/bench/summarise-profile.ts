/**
 * Where a server's CPU time went: the functions with the most self time in a profile that `--profile` wrote.
 *
 *     node test/bench/summarise-profile.ts file.cpuprofile [how many lines]
 */
import { readFile } from 'node:fs/promises'
import type { Profiler } from 'node:inspector'

const [path, lines = '30'] = process.argv.slice(2)
if (!path) throw new Error('which profile? node test/bench/summarise-profile.ts file.cpuprofile')
// V8 wrote it, through the probe.
const profile: Profiler.Profile = JSON.parse(await readFile(path, 'utf8'))
const { nodes, samples = [], timeDeltas = [] } = profile

const nameOf = new Map(
  nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => {
    const place = url ? ` ${url.split('/').slice(-3).join('/')}:${lineNumber + 1}` : ''
    return [id, `${functionName || '(anonymous)'}${place}`]
  }),
)
const packageOf = new Map(
  nodes.map(({ id, callFrame: { functionName, url } }) => [
    id,
    /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ??
      (url.startsWith('node:') ? 'node' : url ? 'own' : functionName),
  ]),
)

const byFunction = new Map<string, number>()
const byPackage = new Map<string, number>()
let busy = 0
samples.forEach((id, index) => {
  const name = nameOf.get(id)!
  // The profiler's own start is not the server's work.
  if (name === '(idle)' || name.startsWith('post node:inspector')) return
  const micros = timeDeltas[index] ?? 0
  busy += micros
  byFunction.set(name, (byFunction.get(name) ?? 0) + micros)
  byPackage.set(packageOf.get(id)!, (byPackage.get(packageOf.get(id)!) ?? 0) + micros)
})

const print = (times: Map<string, number>, count: number) => {
  for (const [name, micros] of [...times].sort(([, a], [, b]) => b - a).slice(0, count)) {
    process.stdout.write(`${((micros / busy) * 100).toFixed(1).padStart(5)} %  ${name}\n`)
  }
}
process.stdout.write(`${(busy / 1000).toFixed(0)} ms of CPU\n\nby package\n`)
print(byPackage, 15)
process.stdout.write('\nby function (self time)\n')
print(byFunction, Number(lines))
