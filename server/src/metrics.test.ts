import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createMetrics } from './metrics.ts'

test('[W2] docs/server.md lists every metric with its type', async () => {
  const page = readFileSync(new URL('../../docs/server.md', import.meta.url), 'utf8')
  const section = page.split('\n## Metrics\n')[1]?.split('\n## ')[0] ?? ''
  const documented = [...section.matchAll(/^\| `([a-z_]+)` +\| ([a-z]+) +\|/gm)].map((row) => row.slice(1))
  const metrics = await createMetrics().registry.getMetricsAsJSON()
  expect(documented).toEqual(metrics.map(({ name, type }) => [name, type]))
})
