import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { installFromDebian } from './debian.mjs'

/** @throws where there is no pgbouncer and none can be installed: the tests never leave it out silently */
export async function ensurePgbouncer() {
  if (installed()) return
  await installFromDebian('pgbouncer')
  if (!installed()) throw new Error('the process tests need pgbouncer: install it (Debian, Homebrew: pgbouncer)')
}

function installed() {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/opt/homebrew/bin', '/usr/local/bin']
  return folders.some((folder) => existsSync(join(folder, 'pgbouncer')))
}
