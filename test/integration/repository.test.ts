import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

interface Lock {
  packages: Record<string, { dependencies?: Named; optionalDependencies?: Named; peerDependencies?: Named }>
}
type Named = Record<string, string>

const lock = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8')) as Lock

test('[B5] the lock file names every platform of every dependency: `npm ci` refuses one that does not', () => {
  const missing = Object.entries(lock.packages).flatMap(([path, { dependencies, optionalDependencies }]) =>
    Object.keys({ ...dependencies, ...optionalDependencies })
      .filter((name) => !found(name, path))
      .map((name) => `${path || 'the root'} needs ${name}`),
  )
  expect(missing).toEqual([])
})

/** Where Node would look, from the package outwards. */
function found(name: string, from: string): boolean {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/')))) {
    const path = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`
    if (path in lock.packages) return true
    if (folder === '') return false
  }
}

test('[B5] it names no registry, so that a clone installs from the one it has', () => {
  expect(JSON.stringify(lock)).not.toMatch(/"resolved":"https?:/)
})
