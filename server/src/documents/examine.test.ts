import { setImmediate } from 'node:timers/promises'
import * as encoding from 'lib0/encoding'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { spellRange, spellUpdate } from '../../../test/fuzz/grammar/spell.ts'
import { manyHands } from '../../../test/helpers/many-hands.ts'
import { Random } from '../../../test/helpers/random.ts'
import { type Claims, readClaims } from '../sockets/claims.ts'
import { examine } from './examine.ts'
import { TooComplex } from './scan.ts'
import { excessOf } from './structure.ts'

const limits = {
  typeDepth: 500,
  valueDepth: 500,
  clientsPerDocument: 1_000,
  subdocuments: 100,
  valueMembers: 1_000,
  updateParts: 100_000,
  waitingBytes: 10_000,
}
const look = (update: Uint8Array, document = new Y.Doc(), own: Partial<typeof limits> = {}) =>
  examine(
    update,
    document,
    { ...limits, ...own },
    { isOver: () => true, rest: async () => void (await setImmediate()) },
  )

/** Deletions side by side are one range or two, whichever way they came. */
const plain = ({ ends, begins, bringsContent, deletions }: Claims) => ({
  ends: new Map([...ends].sort()),
  begins: new Map([...begins].sort()),
  bringsContent,
  deletions: new Map([...deletions.clients].sort()),
})

test('[R6.34] an update that is looked through in parts is what it is as a whole', async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = new Random(seed)
    const docs = manyHands(random, 150)
    const server = random.pick(docs)
    const update = Y.encodeStateAsUpdate(random.pick(docs), Y.encodeStateVector(server))
    if (update.byteLength <= 2) continue
    const typeDepth = random.int(0, 3)
    const { claims, excess } = await look(update, server, { typeDepth })
    const whole = excessOf(Y.decodeUpdate(update).structs, server, { ...limits, typeDepth })
    expect(excess, `seed ${seed}`).toBe(whole)
    const expected = plain(readClaims(update))
    // what is too much is not built: what it brings is not known then
    if (whole === null) expect(plain(claims), `seed ${seed}`).toEqual(expected)
    else expect(plain(claims).begins, `seed ${seed}`).toEqual(expected.begins)
  }
})

test('[R6.32] of a large update counts what would wait, and what does not wait already', async () => {
  const author = new Y.Doc()
  const edits: Uint8Array[] = []
  author.on('update', (update: Uint8Array) => edits.push(update))
  for (const length of [50_000, 5, 6_000, 6_000])
    author.getText('t').insert(author.getText('t').length, 'x'.repeat(length))
  const [large, , some, more] = edits as [Uint8Array, Uint8Array, Uint8Array, Uint8Array]
  const document = new Y.Doc()
  expect((await look(Y.mergeUpdates([large, some]), document)).excess).toBe(null)
  expect((await look(Y.mergeUpdates([large, some, more]), document)).excess).toMatch(/wait for others/)
  Y.applyUpdate(document, some)
  expect((await look(Y.mergeUpdates([large, some]), document)).excess).toBe(null)
  expect((await look(Y.mergeUpdates([large, some, more]), document)).excess).toMatch(/wait for others/)
})

test('[R6.3] nothing is taken for an update that is none', async () => {
  const doc = new Y.Doc()
  doc.getText('t').insert(0, 'x'.repeat(10_000))
  const update = Y.encodeStateAsUpdate(doc)
  await expect(look(update.subarray(0, 5_000))).rejects.toThrow()
  await expect(look(Y.encodeStateAsUpdateV2(doc))).rejects.toThrow()
  await expect(look(new Uint8Array(9_000).fill(255))).rejects.toThrow()
})

describe('[R6.34] what cannot be cut is bounded', () => {
  const wide = Array.from({ length: 600 }, (_, index) => ({ index }))
  const deep = { a: { b: { c: wide } } }

  test.each([
    { what: 'any', put: (doc: Y.Doc, value: object) => doc.getMap('m').set('key', value) },
    { what: 'an embed', put: (doc: Y.Doc, value: object) => doc.getText('t').insertEmbed(0, value) },
    { what: 'a format', put: (doc: Y.Doc, value: object) => doc.getText('t').insert(0, 'x', { key: value }) },
  ])('how many values one holds: $what', async ({ put }) => {
    const doc = new Y.Doc()
    put(doc, deep)
    const update = Y.encodeStateAsUpdate(doc)
    expect((await look(update)).excess).toBe('more than 1000 values in one, or put in as one')
    // 600 objects, 600 numbers, and what they stand in; a text also counts its commas
    expect((await look(update, new Y.Doc(), { valueMembers: 2_000 })).excess).toBe(null)
  })

  test('a long text in a value is one', async () => {
    const doc = new Y.Doc()
    doc.getMap('m').set('image', { src: `data:image/png;base64,${'A'.repeat(100_000)}` })
    expect((await look(Y.encodeStateAsUpdate(doc))).excess).toBe(null)
  })

  test('a value of any type is stepped over as Yjs reads it', async () => {
    const doc = new Y.Doc()
    const values = [
      { none: undefined },
      null,
      5,
      -2.5,
      1.1,
      2 ** 40,
      [7n],
      [true, false],
      'text',
      { a: [1, { b: 'c' }] },
      [],
    ]
    doc.getArray('a').insert(0, [...values, new Uint8Array([1, 2, 3])])
    const { claims, excess } = await look(Y.encodeStateAsUpdate(doc))
    expect([excess, claims.ends.get(doc.clientID)]).toEqual([null, values.length + 1])
  })

  test('how many insertions and deletions a message brings', async () => {
    const doc = new Y.Doc()
    for (let index = 0; index < 300; index++) doc.getArray('a').insert(0, [index])
    for (let index = 0; index < 150; index++) doc.getArray('a').delete(index, 1)
    const update = Y.encodeStateAsUpdate(doc)
    expect((await look(update, new Y.Doc(), { updateParts: 400 })).excess).toBe(
      'more than 400 insertions, deletions and values at once',
    )
    expect((await look(update, new Y.Doc(), { updateParts: 1_000 })).excess).toBe(null)
  })

  test('[R5.9] what builds on it is known', async () => {
    const doc = new Y.Doc()
    doc.getText('t').insert(0, 'before')
    doc.getMap('m').set('key', wide)
    const { claims } = await look(Y.encodeStateAsUpdate(doc))
    expect(claims.ends.get(doc.clientID)).toBe(7)
  })
})

test('[R6.34] a value of which little is there is no work', async () => {
  const encoder = encoding.createEncoder()
  for (const number of [1, 1, 5, 0]) encoding.writeVarUint(encoder, number)
  encoding.writeUint8(encoder, 8)
  encoding.writeVarUint(encoder, 1)
  encoding.writeVarString(encoder, 'a')
  encoding.writeVarUint(encoder, 1)
  encoding.writeUint8(encoder, 117)
  encoding.writeVarUint(encoder, 2 ** 40)
  await expect(look(encoding.toUint8Array(encoder))).rejects.toThrow()
})

test('[R6.32] how much of it would wait for what is not there', async () => {
  const doc = new Y.Doc()
  doc.getText('t').insert(0, 'the beginning')
  const before = Y.encodeStateVector(doc)
  for (let index = 0; index < 400; index++) doc.getText('t').insert(0, 'word after word after word')
  const update = Y.encodeStateAsUpdate(doc, before)
  expect((await look(update)).excess).toContain('wait for others')
  expect((await look(update, new Y.Doc(), { waitingBytes: 100_000 })).excess).toBe(null)
  const server = new Y.Doc()
  Y.applyUpdate(server, Y.encodeStateAsUpdate(doc))
  expect((await look(update, server)).excess).toBe(null)
})

describe('[R6.44] how many values an update brings is bounded, however they are packed', () => {
  test('in many lists of a few', async () => {
    const doc = new Y.Doc()
    for (let index = 0; index < 10; index++) doc.getMap('map').set(`${index}`, Array(60).fill({}))
    // ten lists, of which each holds 61 values
    const update = Y.encodeStateAsUpdate(doc)
    expect((await look(update, new Y.Doc(), { updateParts: 609 })).excess).toMatch(/more than 609 .* values at once/)
    expect((await look(update, new Y.Doc(), { updateParts: 610 })).excess).toBe(null)
  })

  test('in one list, which is not looked through to its end', async () => {
    const doc = new Y.Doc()
    doc.getArray('list').push(Array(20_000).fill(null))
    const update = Y.encodeStateAsUpdate(doc)
    await expect(look(update, new Y.Doc(), { updateParts: 10_000 })).rejects.toThrow(TooComplex)
    const expected = /more than 19999 values in one/
    expect((await look(update, new Y.Doc(), { valueMembers: 19_999 })).excess).toMatch(expected)
    expect((await look(update, new Y.Doc(), { valueMembers: 20_000 })).excess).toBe(null)
  })
})

describe('[R6.45] a message that names more Yjs clients than a document may hold is not looked through', () => {
  const clients = Array.from({ length: 1_001 }, (_, index) => 5_000 - index)

  test('with edits', async () => {
    const blocks = clients.map((client) => ({ client, clock: 0, count: 1, structs: [spellRange(0, 1)] }))
    await expect(look(spellUpdate(blocks, new Map()))).rejects.toThrow(TooComplex)
    expect((await look(spellUpdate(blocks.slice(1), new Map()))).excess).toBe(null)
    // those it has count for it
    const document = new Y.Doc()
    Y.applyUpdate(document, spellUpdate(blocks.slice(1), new Map()))
    expect((await look(spellUpdate(blocks, new Map()), document)).excess).toMatch(/more than 1000 Yjs clients/)
  })

  test('with deletions', async () => {
    const deletions = new Map(clients.map((client) => [client, [{ clock: 0, length: 1 }]]))
    await expect(look(spellUpdate([], deletions))).rejects.toThrow(TooComplex)
  })
})
