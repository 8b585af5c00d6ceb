import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { installFromDebian } from './debian.mjs'
import { capture, root, say } from './processes.mjs'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const elsewhere = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
]

/**
 * The browser for the tests: $CHROMIUM, one that is installed, Debian's package (as root), or playwright's download.
 * @returns its path; @throws when there is none: the tests never skip the browser silently
 */
export async function findChromium(node) {
  const given = process.env.CHROMIUM
  if (given) {
    if (existsSync(given)) return given
    throw new Error(`CHROMIUM is ${given}, and there is no such file`)
  }
  return installed() ?? (await fromDebian()) ?? (await fromPlaywright(node)) ?? fail()
}

function installed() {
  const folders = (process.env.PATH ?? '').split(delimiter)
  const candidates = folders.flatMap((folder) => names.map((name) => join(folder, name)))
  return [...candidates, ...elsewhere].find((path) => existsSync(path)) ?? null
}

async function fromDebian() {
  await installFromDebian('chromium')
  return installed()
}

async function fromPlaywright(node) {
  const library = join(root, 'node_modules', 'playwright-core')
  const ask = ['-e', `console.log(require(${JSON.stringify(library)}).chromium.executablePath())`]
  const path = async () => (await capture(node, ask)).output.trim()
  if (!existsSync(await path())) {
    say("installing playwright's chromium for the browser tests …")
    const result = await capture(node, [join(library, 'cli.js'), 'install', 'chromium'])
    if (result.code !== 0) say(result.output.trim().split('\n').slice(-5).join('\n'))
  }
  const found = await path()
  return existsSync(found) ? found : null
}

function fail() {
  throw new Error('the browser tests need Chromium: install it, or set CHROMIUM to its path')
}
