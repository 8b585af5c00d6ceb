import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { copyJson, isEqual, isJson } from './json.ts'

/** Whatever `JSON.parse` gives, but for the one name that is refused. */
const anyJson = fc.jsonValue({ maxDepth: 6 }).filter((value) => !JSON.stringify(value).includes('"__proto__"'))

describe('[D4.1] what is JSON', () => {
  test('whatever survives JSON.stringify and JSON.parse is copied as it is, and shares nothing', () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        const copied = copyJson(value)
        expect(copied).toEqual(value)
        expect([isJson(value), isJson(value), isEqual(copied, value as never)]).toEqual([true, true, true])
        if (typeof value === 'object' && value !== null) expect(copied).not.toBe(value)
      }),
    )
  })

  test('two values are equal when they say the same, in whatever order', () => {
    expect(isEqual({ a: 1, b: [1, { c: null }] }, { b: [1, { c: null }], a: 1 })).toBe(true)
    for (const [one, other] of [
      [[], {}],
      [[1], [1, 2]],
      [{ a: 1 }, { b: 1 }],
      [{ a: 1 }, { a: 1, b: 1 }],
      [null, {}],
      ['1', 1],
    ] as const) {
      expect(isEqual(one as never, other as never)).toBe(false)
      expect(isEqual(other as never, one as never)).toBe(false)
    }
  })

  const circle: unknown[] = []
  circle.push({ again: circle })
  let deep: unknown = 1
  for (let level = 0; level < 101; level++) deep = [deep]
  class Meal {}
  test.each([
    ['undefined', undefined, 'not JSON: undefined'],
    ['a function', { save: () => 1 }, 'not JSON: a function at save'],
    ['a symbol', Symbol('s'), 'a symbol'],
    ['a bigint', [1n], 'a bigint at [0]'],
    ['NaN', { meals: [{ kcal: Number.NaN }] }, 'NaN at meals[0].kcal'],
    ['Infinity', Number.POSITIVE_INFINITY, 'Infinity'],
    ['a Date', { at: new Date(0) }, 'an object of class Date at at'],
    ['a Map', new Map(), 'an object of class Map'],
    ['a class of the app', new Meal(), 'an object of class Meal'],
    ['bytes', new Uint8Array(1), 'an object of class Uint8Array'],
    // biome-ignore lint/suspicious/noSparseArray: that is what is refused
    ['a gap in an array', [1, , 2], 'undefined at [1]'],
    ['a circle', circle, 'a circle at [0].again'],
    ['too deep', deep, 'deeper than 100 levels'],
    ['__proto__', JSON.parse('{"__proto__": {"isAdmin": true}}'), 'a property named __proto__'],
  ])('%s is refused, with the place', (_name, value, message) => {
    expect(() => copyJson(value)).toThrow(message)
    expect(isJson(value)).toBe(false)
  })

  test('a property that is undefined is left out; the same object twice is no circle', () => {
    const shared = { a: 1 }
    expect(copyJson({ note: undefined, one: shared, two: shared })).toEqual({ one: { a: 1 }, two: { a: 1 } })
  })

  test('half an emoji becomes what it would be on other replicas', () => {
    expect(copyJson(['😀'.slice(0, 1)])).toEqual(['\uFFFD'])
  })
})
