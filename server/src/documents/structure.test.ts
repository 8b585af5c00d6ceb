import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { excessOf, isTooDeep } from './structure.ts'

const limits = {
  typeDepth: 10,
  valueDepth: 10,
  clientsPerDocument: 100,
  subdocuments: 3,
  valueMembers: 100,
  updateParts: 1_000,
}

const excess = (update: Uint8Array, document: Y.Doc | null = null, limit = limits) =>
  excessOf(Y.decodeUpdate(update).structs, document, limit)

/** Arrays in arrays, below `top`. @returns the innermost */
function nest(top: Y.Array<unknown>, levels: number): Y.Array<unknown> {
  let innermost = top
  for (let level = 0; level < levels; level++) {
    const next = new Y.Array<unknown>()
    innermost.push([next])
    innermost = next
  }
  return innermost
}

/** What a change brings to a document, apart from the document. */
function updateOf(doc: Y.Doc, change: () => void): Uint8Array {
  const before = Y.encodeStateVector(doc)
  doc.transact(change)
  return Y.encodeStateAsUpdate(doc, before)
}

const copyOf = (doc: Y.Doc): Y.Doc => {
  const copy = new Y.Doc()
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc))
  return copy
}

describe('[R6.20] types within types', () => {
  test('as deep as they may be, and one deeper', () => {
    for (const [levels, what] of [
      [10, null],
      [11, 'types within types, more than 10 deep'],
    ] as const) {
      const doc = new Y.Doc()
      nest(doc.getArray('deep'), levels)
      expect(excess(Y.encodeStateAsUpdate(doc))).toBe(what)
    }
  })

  test('what the document has already counts', () => {
    const doc = new Y.Doc()
    const middle = nest(doc.getArray('deep'), 6)
    const server = copyOf(doc)
    expect(
      excess(
        updateOf(doc, () => nest(middle, 4)),
        server,
      ),
    ).toBe(null)
    Y.applyUpdate(server, Y.encodeStateAsUpdate(doc))
    expect(
      excess(
        updateOf(doc, () => nest(middle, 5)),
        server,
      ),
    ).toContain('more than 10 deep')
  })

  test('one beside others is as deep as they are, though only they say where that is', () => {
    const doc = new Y.Doc()
    const innermost = nest(doc.getArray('deep'), 10)
    innermost.push(['a', 'b'])
    const server = copyOf(doc)
    const type = () => new Y.Array<unknown>()
    expect(
      excess(
        updateOf(doc, () => innermost.insert(1, [type()])),
        server,
      ),
    ).toContain('more than 10 deep')
    expect(
      excess(
        updateOf(doc, () => innermost.push(['c', type()])),
        server,
      ),
    ).toContain('more than 10 deep')
    expect(
      excess(
        updateOf(doc, () => doc.getArray('deep').push([type()])),
        server,
      ),
    ).toBe(null)
  })

  test('a map, and what replaced an entry of it', () => {
    const doc = new Y.Doc()
    let map = doc.getMap<unknown>('deep')
    for (let level = 0; level < 10; level++) {
      const next = new Y.Map<unknown>()
      map.set('below', next)
      map = next
    }
    const server = copyOf(doc)
    const update = updateOf(doc, () => {
      map.set('x', 1)
      map.set('x', new Y.Map())
    })
    expect(excess(update, server)).toContain('more than 10 deep')
  })

  test('items that stand on each other in a circle', () => {
    const circle = new Y.Doc()
    circle.getArray('deep').push([new Y.Array()])
    const { structs } = Y.decodeUpdate(Y.encodeStateAsUpdate(circle))
    const item = structs[0] as Y.Item
    Object.assign(item, { parent: null, origin: item.id })
    expect(excessOf(structs, circle, limits)).toBe(null)
  })

  test('as deep as Yjs says, of any tree', () => {
    const tree = fc.array(fc.record({ below: fc.nat(30), at: fc.nat(5), isMap: fc.boolean() }), { maxLength: 30 })
    fc.assert(
      fc.property(tree, fc.nat(30), (nodes, known) => {
        const doc = new Y.Doc()
        const types: { type: Y.Array<unknown> | Y.Map<unknown>; depth: number }[] = [
          { type: doc.getArray('root'), depth: 0 },
        ]
        let server = new Y.Doc()
        let before = Y.encodeStateVector(doc)
        let isNew = 0
        for (const [index, { below, at, isMap }] of nodes.entries()) {
          if (index === known) {
            server = copyOf(doc)
            before = Y.encodeStateVector(doc)
            isNew = types.length
          }
          const parent = types[below % types.length]!
          const type = isMap ? new Y.Map<unknown>() : new Y.Array<unknown>()
          if (parent.type instanceof Y.Map) parent.type.set(String(at), type)
          else parent.type.insert(Math.min(at, parent.type.length), ['x', type])
          types.push({ type, depth: parent.depth + 1 })
        }
        const update = Y.encodeStateAsUpdate(doc, before)
        // what was replaced in a map is gone with all that was below it
        const there = types.slice(isNew).filter(({ type }) => !isGone(type))
        const deepest = Math.max(...there.map(({ depth }) => depth), 0)
        if (deepest > 0)
          expect(excess(update, server, { ...limits, typeDepth: deepest - 1 })).toContain('types within types')
        const all = Math.max(...types.map(({ depth }) => depth), 1)
        expect(excess(update, server, { ...limits, typeDepth: all })).toBe(null)
      }),
      { numRuns: 300 },
    )
  })
})

function isGone({ _item }: { _item: Y.Item | null }): boolean {
  for (let item = _item; item; item = (item.parent as Y.AbstractType<unknown>)._item) if (item.deleted) return true
  return false
}

describe('[R6.20] values', () => {
  const value = (depth: number): unknown => (depth === 0 ? 'x' : { below: [value(depth - 1)].slice(0) })

  test.each([
    { what: 'in an array', put: (doc: Y.Doc, value: unknown) => doc.getArray('a').push([value]) },
    { what: 'embedded', put: (doc: Y.Doc, value: unknown) => doc.getText('a').insertEmbed(0, value as object) },
    { what: 'as a format', put: (doc: Y.Doc, value: unknown) => doc.getText('a').insert(0, 'x', { bold: value }) },
  ])('$what', ({ put }) => {
    // each level here is an object and an array
    for (const [depth, isTooMuch] of [
      [5, false],
      [6, true],
    ] as const) {
      const doc = new Y.Doc()
      put(doc, value(depth))
      expect(excess(Y.encodeStateAsUpdate(doc)) !== null).toBe(isTooMuch)
    }
  })

  test('wide ones, and bytes', () => {
    const doc = new Y.Doc()
    doc.getArray('a').push([Array.from({ length: 1_000 }, (_, index) => ({ index })), new Uint8Array(1_000)])
    expect(excess(Y.encodeStateAsUpdate(doc))).toBe(null)
  })
})

test('[R6.20] documents within a document, with those that it has', () => {
  const doc = new Y.Doc()
  doc.getArray('pages').push([new Y.Doc(), new Y.Doc()])
  const server = copyOf(doc)
  expect(
    excess(
      updateOf(doc, () => doc.getArray('pages').push([new Y.Doc()])),
      server,
    ),
  ).toBe(null)
  expect(
    excess(
      updateOf(doc, () => doc.getArray('pages').push([new Y.Doc()])),
      server,
    ),
  ).toBe(null)
  expect(excess(Y.encodeStateAsUpdate(doc), null)).toBe('more than 3 documents within a document')
})

test('[R6.20] documents that are there, or wait, do not count again with whoever brings them again', () => {
  const doc = new Y.Doc()
  doc.getArray('pages').push([new Y.Doc(), new Y.Doc(), new Y.Doc()])
  const server = copyOf(doc)
  doc.getText('text').insert(0, 'honest')
  expect(excess(Y.encodeStateAsUpdate(doc), server)).toBe(null)

  const other = new Y.Doc()
  const empty = new Y.Doc()
  other.getArray('pages').push(['first'])
  const waiting = updateOf(other, () => other.getArray('pages').push([new Y.Doc(), new Y.Doc()]))
  Y.applyUpdate(empty, waiting)
  expect(excess(waiting, empty)).toBe(null)
  const more = updateOf(other, () => other.getArray('pages').push([new Y.Doc(), new Y.Doc()]))
  expect(excess(more, empty), 'what waits counts').toBe('more than 3 documents within a document')
})

test('[R6.20] what had waited for an update counts as brought by it', () => {
  const author = new Y.Doc()
  const updates: Uint8Array[] = []
  author.on('update', (update: Uint8Array) => updates.push(update))
  let innermost = author.getArray<unknown>('deep')
  for (let part = 0; part < 3; part++) author.transact(() => (innermost = nest(innermost, 4)))
  const server = new Y.Doc()
  const tooDeep: boolean[] = []
  server.on('beforeObserverCalls', (transaction: Y.Transaction) => tooDeep.push(isTooDeep(transaction, 10)))
  for (const update of updates.reverse()) Y.applyUpdate(server, update)
  expect(tooDeep).toEqual([false, false, true])
})

describe('[R6.45] of how many Yjs clients a document holds edits', () => {
  /** One letter by each of so many. */
  const byMany = (count: number, from = 1): Uint8Array =>
    Y.mergeUpdates(
      Array.from({ length: count }, (_, index) => {
        const doc = new Y.Doc()
        doc.clientID = from + index
        doc.getText('text').insert(0, 'x')
        return Y.encodeStateAsUpdate(doc)
      }),
    )

  test('in one update', () => {
    expect(excess(byMany(100))).toBe(null)
    expect(excess(byMany(101))).toBe('edits of more than 100 Yjs clients in a document')
  })

  test('with those that the document has, who do not count again', () => {
    const server = new Y.Doc()
    Y.applyUpdate(server, byMany(100))
    expect(excess(byMany(1, 101), server)).toContain('more than 100 Yjs clients')
    expect(excess(byMany(100), server)).toBe(null)
    const author = copyOf(server)
    author.clientID = 50
    expect(
      excess(
        updateOf(author, () => author.getText('text').insert(0, 'more')),
        server,
      ),
    ).toBe(null)
  })

  test('a document that has more already goes on with these', () => {
    const server = new Y.Doc()
    Y.applyUpdate(server, byMany(150))
    expect(excess(byMany(150), server)).toBe(null)
    expect(excess(byMany(1, 151), server)).toContain('more than 100 Yjs clients')
  })
})
