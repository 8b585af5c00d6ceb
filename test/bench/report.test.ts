import { describe, expect, it } from 'vitest'
import { judge, printFigure } from './report.ts'

const latency = { metric: 'p99', unit: 'ms', target: { kind: 'ratio', limit: 1.1 } } as const

describe('judge', () => {
  it('compares medians, so that one wild repeat neither saves nor spoils a target', () => {
    const row = judge({ ...latency, values: { tidemark: [10, 10, 900], hocuspocus: [10, 10, 1] } })
    expect(row).toMatchObject({ toStock: 1, verdict: 'met' })
  })
  it('says "not met" just past the limit, and "met" on it', () => {
    expect(judge({ ...latency, values: { tidemark: [1.11], hocuspocus: [1] } }).verdict).toBe('not met')
    expect(judge({ ...latency, values: { tidemark: [1.1], hocuspocus: [1] } }).verdict).toBe('met')
  })
  it('never calls a target met that was not measured', () => {
    expect(judge({ ...latency, values: { hocuspocus: [1] } }).verdict).toBe('not measured')
    expect(judge({ ...latency, values: { tidemark: [1] } }).verdict).toBe('not measured')
    const lost = { metric: 'lost', unit: 'edits', target: { kind: 'at-most', limit: 0 } } as const
    expect(judge({ ...lost, values: {} }).verdict).toBe('not measured')
    expect(judge({ ...lost, values: { tidemark: [0] } }).verdict).toBe('met')
    expect(judge({ ...lost, values: { tidemark: [1] } }).verdict).toBe('not met')
  })
  it('has no verdict where there is no target', () => {
    expect(judge({ metric: 'p50', unit: 'ms', values: { tidemark: [1] } }).verdict).toBeNull()
  })
})

describe('printFigure', () => {
  it('shows the values, the ratio, the target and the verdict of each row', () => {
    const rows = [{ ...latency, values: { tidemark: [3], hocuspocus: [2] } }]
    const text = printFigure({ title: 'Latency', ran: 'One thing.', rows, notes: ['A note.'] })
    const line = text.split('\n').find((candidate) => candidate.startsWith('| p99'))
    expect(line?.replace(/ +/g, ' ')).toBe('| p99 (ms) | 3 | 2 | – | 1.50 × | ≤ 1.1 × stock | not met |')
    expect(text).toContain('One thing.')
    expect(text).toContain('- A note.')
  })
})
