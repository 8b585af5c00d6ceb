import { array, assert, constantFrom, property } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { differenceOf, type Run } from './diff.ts'

function side(runs: readonly Run[], of: 'copy' | 'document'): string[] {
  return runs.filter((run) => run.of === 'both' || run.of === of).flatMap(({ parts }) => parts)
}

const lines = array(constantFrom('a', 'b', 'c', 'd'), { maxLength: 30 })

describe('[R9.5] what differs between a copy and the document', () => {
  it('says each line once, and in what order each side has it', () => {
    expect(differenceOf(['one', 'two', 'three', 'four'], ['one', '2', 'three', 'four', 'five'])).toEqual([
      { of: 'both', parts: ['one'] },
      { of: 'copy', parts: ['two'] },
      { of: 'document', parts: ['2'] },
      { of: 'both', parts: ['three', 'four'] },
      { of: 'document', parts: ['five'] },
    ])
  })

  it('gives back both sides from any two texts, with as little difference as there can be', () => {
    assert(
      property(lines, lines, (copy, document) => {
        const runs = differenceOf(copy, document)
        expect(side(runs, 'copy')).toEqual(copy)
        expect(side(runs, 'document')).toEqual(document)
        const common = runs.filter(({ of }) => of === 'both').reduce((sum, { parts }) => sum + parts.length, 0)
        expect(common).toBe(longestCommon(copy, document))
      }),
    )
  })

  it('nothing against nothing, and against something', () => {
    expect(differenceOf([], [])).toEqual([])
    expect(differenceOf(['a'], ['a'])).toEqual([{ of: 'both', parts: ['a'] }])
    expect(differenceOf([], ['a'])).toEqual([{ of: 'document', parts: ['a'] }])
    expect(differenceOf(['a'], [])).toEqual([{ of: 'copy', parts: ['a'] }])
  })

  it('two long books with nothing in common take no more than a moment, and two with little between them are exact', () => {
    const book = (title: string) => Array.from({ length: 30_000 }, (_, at) => `${title} ${at}`)
    const start = performance.now()
    const apart = differenceOf(book('Moby'), book('Dick'))
    expect(performance.now() - start).toBeLessThan(2000)
    expect(apart.map(({ of, parts }) => [of, parts.length])).toEqual([
      ['copy', 30_000],
      ['document', 30_000],
    ])
    const edited = book('Moby').with(3, 'changed').toSpliced(29_000, 1)
    expect(differenceOf(book('Moby'), edited).map(({ of, parts }) => [of, parts.length])).toEqual([
      ['both', 3],
      ['copy', 1],
      ['document', 1],
      ['both', 28_996],
      ['copy', 1],
      ['both', 999],
    ])
  })
})

function longestCommon(a: readonly string[], b: readonly string[]): number {
  const row = new Array<number>(b.length + 1).fill(0)
  for (const part of a) {
    let diagonal = 0
    for (let at = 1; at <= b.length; at += 1) {
      const above = row[at]!
      row[at] = part === b[at - 1] ? diagonal + 1 : Math.max(above, row[at - 1]!)
      diagonal = above
    }
  }
  return row.at(-1)!
}
