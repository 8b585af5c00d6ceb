import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..', '..')
const rules = [...readFileSync(join(root, 'SPEC.md'), 'utf8').matchAll(/^- \*\*([A-Z]\d*(?:\.\d+)?)\*\*/gm)].map(
  ([, rule]) => rule as string,
)

function* testFiles(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory() && entry.name !== 'node_modules' && entry.name !== 'dist') yield* testFiles(path)
    else if (/\.test\.ts$|contract\.ts$/.test(entry.name)) yield path
  }
}

test('each rule of the specification has a number of its own, and they stand in order', () => {
  expect(rules.filter((rule, at) => rules.indexOf(rule) !== at)).toEqual([])
  for (const [at, rule] of rules.entries()) {
    const before = rules[at - 1]?.split('.')
    const [group, number] = rule.split('.')
    if (before?.[0] === group) expect(Number(number), rule).toBeGreaterThan(Number(before?.[1]))
  }
})

test('each rule that a test cites is in the specification', () => {
  const unknown: string[] = []
  for (const folder of ['shared', 'client', 'server', 'test']) {
    for (const path of testFiles(join(root, folder))) {
      for (const [, rule] of readFileSync(path, 'utf8').matchAll(/\[([RDSW]\d+(?:\.\d+)?)\](?=[ \w[])/g)) {
        // R1 … R10 and D1 … D4 as a whole are the headings
        const isKnown = rule?.includes('.') || /^[SW]/.test(rule ?? '') ? rules.includes(rule as string) : true
        if (!isKnown) unknown.push(`${rule} in ${path.slice(root.length + 1)}`)
      }
    }
  }
  expect(unknown).toEqual([])
})
