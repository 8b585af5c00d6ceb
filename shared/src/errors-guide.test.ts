import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { consequenceOf, errorCodes } from './errors.ts'

/** The rows of the guide's table: code, what happened, consequence. */
function documentedErrors(): [code: string, consequence: string][] {
  const guide = readFileSync(new URL('../../docs/guide.md', import.meta.url), 'utf8')
  const section = guide.split('\n## Errors\n')[1]?.split('\n## ')[0] ?? ''
  return [...section.matchAll(/^\| `([a-z-]+)` +\| (\S.*?) +\| ([a-z-]+) +\|$/gm)].map((row) => [row[1]!, row[3]!])
}

test('[R5.1] the guide lists every code, in the order of the list, with what follows from it', () => {
  expect(documentedErrors()).toEqual(errorCodes.map((code) => [code, consequenceOf(code)]))
})
