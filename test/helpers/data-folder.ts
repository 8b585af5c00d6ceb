import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PGlite } from '@electric-sql/pglite'

const modules = fileURLToPath(new URL('../../node_modules/', import.meta.url))

/**
 * A data folder of one's own, with a database that PGlite has set up and nothing has used. To set one up takes ten
 * seconds of computing, which only a test of the very first start has to spend.
 */
export async function newDataFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-data-'))
  await fillDataFolder(folder)
  return folder
}

/** @param folder exists, and is empty */
export async function fillDataFolder(folder: string): Promise<void> {
  await cp(await clusterOnce(), join(folder, 'pglite'), { recursive: true })
}

async function clusterOnce(): Promise<string> {
  const manifest = await readFile(join(modules, '@electric-sql/pglite/package.json'), 'utf8')
  const { version } = JSON.parse(manifest) as { version: string }
  const kept = join(modules, '.cache', `tidemark-pglite-${version}`)
  if (existsSync(kept)) return kept
  await mkdir(join(modules, '.cache'), { recursive: true })
  const making = await mkdtemp(`${kept}-`)
  const lite = await PGlite.create(making)
  await lite.close()
  // whoever is first wins: tests run in several processes
  await rename(making, kept).catch(async (error) => {
    await rm(making, { recursive: true, force: true })
    if (!existsSync(kept)) throw error
  })
  return kept
}
