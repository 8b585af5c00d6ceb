import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { root, run, say } from './processes.mjs'

const client = join(root, 'client')
const demo = join(client, 'demo')
const sources = [
  demo,
  join(client, 'src'),
  join(client, 'vite.config.ts'),
  join(root, 'shared', 'src'),
  join(root, 'package-lock.json'),
]
const built = join(demo, 'dist', 'index.html')

/** Builds the demo page when it is missing or older than anything it is made of. */
export async function ensureDemo(node) {
  if (existsSync(built) && statSync(built).mtimeMs >= Math.max(...sources.map(newest))) return
  say('building the demo page …')
  const code = await buildDemo(node)
  if (code !== 0) throw new Error('the demo page could not be built; see the output above')
}

/** @returns the exit code of Vite */
export function buildDemo(node) {
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js')
  return run(node, [vite, 'build', '--logLevel', 'warn'], { cwd: client })
}

function newest(path) {
  if (!existsSync(path)) return 0
  const stat = statSync(path)
  if (!stat.isDirectory()) return stat.mtimeMs
  const names = readdirSync(path).filter(
    (name) => name !== 'dist' && name !== 'node_modules' && !/\.test\.ts$/.test(name),
  )
  return Math.max(0, ...names.map((name) => newest(join(path, name))))
}
