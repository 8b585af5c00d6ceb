import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type Setting, settings } from './settings.ts'

/** The rows of the table in docs/server.md: variable, flag, default, what it does. */
function documentedSettings(): string[][] {
  const page = readFileSync(new URL('../../../docs/server.md', import.meta.url), 'utf8')
  const section = page.split('\n## Settings\n')[1]?.split('\n## ')[0] ?? ''
  return [...section.matchAll(/^\| `([A-Z_]+)` +\| (.*?) +\| (.*?) +\| (.*?) +\|$/gm)].map((row) => row.slice(1))
}

test('[W1] docs/server.md lists every setting with its variable, flag, default and meaning', () => {
  const all: Setting[] = Object.values(settings)
  expect(documentedSettings()).toEqual(
    all.map(({ variable, flag, default: standard, help }) => [
      variable,
      flag === null ? 'none' : `\`--${flag}\``,
      standard ? `\`${standard}\`` : 'none',
      help,
    ]),
  )
})
