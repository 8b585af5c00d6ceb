import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { encodeInSlices, type Pace } from './state-encoder.ts'

/** A slice is over after each look; the work that is given is done while the encoder rests. */
function restless(meanwhile: () => void = () => {}): Pace {
  return { isOver: () => true, rest: async () => meanwhile() }
}

interface Act {
  readonly who: number
  readonly kind: 'insert' | 'delete' | 'nest' | 'unnest' | 'set' | 'push'
  readonly at: number
  readonly text: string
}

const acts = (minLength: number, maxLength: number) =>
  fc.array(
    fc.record({
      who: fc.nat(2),
      kind: fc.constantFrom<Act['kind'][]>('insert', 'insert', 'delete', 'nest', 'unnest', 'set', 'push'),
      at: fc.nat(200),
      text: fc.string({ minLength: 1, maxLength: 5 }),
    }),
    { minLength, maxLength },
  )

/** Three people who write at once; each change reaches the others at once. */
function people(): { docs: Y.Doc[]; act: (act: Act) => void } {
  const docs = [1, 2, 3].map((clientID) => Object.assign(new Y.Doc(), { clientID }))
  for (const doc of docs) {
    doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin === 'peer') return
      for (const other of docs) if (other !== doc) Y.applyUpdate(other, update, 'peer')
    })
  }
  return {
    docs,
    act({ who, kind, at, text }) {
      const doc = docs[who]!
      const content = doc.getText('t')
      const list = doc.getArray<Y.Map<unknown>>('list')
      const map = doc.getMap('map')
      if (kind === 'insert') content.insert(at % (content.length + 1), text)
      if (kind === 'delete' && content.length > 0) {
        const from = at % content.length
        content.delete(from, Math.min(content.length - from, text.length * 4))
      }
      if (kind === 'nest') list.insert(at % (list.length + 1), [new Y.Map([[text, new Y.Text(text)]])])
      if (kind === 'unnest' && list.length > 0) list.delete(at % list.length, 1)
      if (kind === 'set') map.set(`key ${at % 5}`, text)
      if (kind === 'push' && list.length > 0) list.get(at % list.length).set(text, at)
    },
  }
}

function contentOf(doc: Y.Doc): unknown {
  return { text: doc.getText('t').toString(), list: doc.getArray('list').toJSON(), map: doc.getMap('map').toJSON() }
}

function opened(...updates: readonly Uint8Array[]): Y.Doc {
  const doc = new Y.Doc()
  for (const update of updates) Y.applyUpdate(doc, update)
  return doc
}

describe('[D2.1] a document encoded in slices', () => {
  test('is byte for byte what Yjs makes of it, when nothing changes meanwhile', async () => {
    await fc.assert(
      fc.asyncProperty(acts(0, 80), async (before) => {
        const { docs, act } = people()
        before.forEach(act)
        const { update, pending, vector, deletionsAt } = await encodeInSlices(docs[0]!, restless())
        expect(update).toEqual(Y.encodeStateAsUpdate(docs[0]!))
        expect(pending).toBeNull()
        expect(Y.decodeStateVector(vector)).toEqual(Y.decodeStateVector(Y.encodeStateVector(docs[0]!)))
        const deletionsAlone = Uint8Array.of(0, ...update.subarray(deletionsAt))
        expect(Y.decodeUpdate(deletionsAlone).ds).toEqual(Y.decodeUpdate(update).ds)
      }),
      { numRuns: 150 },
    )
  })

  test('for somebody who has a part of it, is byte for byte what Yjs makes of it', async () => {
    await fc.assert(
      fc.asyncProperty(acts(0, 60), acts(0, 60), fc.nat(50), async (first, then, ahead) => {
        const { docs, act } = people()
        first.forEach(act)
        const known = Y.decodeStateVector(Y.encodeStateVector(docs[0]!))
        then.forEach(act)
        // within a struct, too, beyond what there is, and of a client that is not known here
        known.set(1, (known.get(1) ?? 0) + ahead).set(4, ahead)
        const { update, vector } = await encodeInSlices(docs[0]!, restless(), known)
        expect(update).toEqual(Y.encodeStateAsUpdate(docs[0]!, Y.encodeStateVector(known)))
        expect(Y.decodeStateVector(vector)).toEqual(Y.decodeStateVector(Y.encodeStateVector(docs[0]!)))
      }),
      { numRuns: 150 },
    )
  })

  test('is right when it is edited, deleted from and tidied up between slices', async () => {
    await fc.assert(
      fc.asyncProperty(acts(0, 80), acts(20, 120), acts(1, 40), async (first, before, meanwhile) => {
        const { docs, act } = people()
        first.forEach(act)
        const known = Y.encodeStateAsUpdate(docs[0]!)
        before.forEach(act)
        const doc = docs[0]!
        const atStart = Y.encodeStateVector(doc)
        const rows: Uint8Array[] = []
        doc.on('update', (update: Uint8Array) => rows.push(update))
        const left = [...meanwhile]
        const { update } = await encodeInSlices(
          doc,
          restless(() => {
            for (const next of left.splice(0, 2)) act(next)
          }),
          Y.decodeStateVector(Y.encodeStateVectorFromUpdate(known)),
        )
        // with the rows that were stored meanwhile it is the document as it is now
        const again = opened(known, update, ...rows)
        expect(contentOf(again)).toEqual(contentOf(doc))
        expect(again.store.pendingStructs).toBeNull()
        expect(again.store.pendingDs).toBeNull()
        // and without them it opens all the same, holding what was there at the start
        const alone = opened(known, update)
        expect(alone.store.pendingStructs).toBeNull()
        expect(alone.store.pendingDs).toBeNull()
        const held = Y.decodeStateVector(Y.encodeStateVector(alone))
        for (const [client, clock] of Y.decodeStateVector(atStart)) {
          expect(held.get(client) ?? 0).toBeGreaterThanOrEqual(clock)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('never holds a thing as present whose content is gone already', async () => {
    const doc = new Y.Doc()
    const list = doc.getArray<Y.Map<unknown>>('list')
    list.insert(0, [new Y.Map([['a', 1]])])
    list.get(0).set('b', 2)
    let isFirst = true
    const meanwhile = () => {
      if (isFirst) list.delete(0)
      isFirst = false
    }
    const { update } = await encodeInSlices(doc, restless(meanwhile))
    expect(opened(update).getArray('list').toJSON()).toEqual([])
  })

  test('keeps what waits for edits that are missing, also when they arrive meanwhile', async () => {
    const writer = new Y.Doc()
    const updates: Uint8Array[] = []
    writer.on('update', (update: Uint8Array) => updates.push(update))
    writer.getText('t').insert(0, 'first ')
    writer.getText('t').insert(6, 'second')
    writer.getText('t').delete(0, 2)
    const other = new Y.Doc()
    other.getText('u').insert(0, 'x'.repeat(10))
    const doc = opened(updates[1]!, updates[2]!, Y.encodeStateAsUpdate(other))
    expect(doc.store.pendingStructs).not.toBeNull()
    let isFirst = true
    const { update, pending } = await encodeInSlices(
      doc,
      restless(() => {
        if (isFirst) Y.applyUpdate(doc, updates[0]!)
        isFirst = false
      }),
    )
    expect(isFirst).toBe(false)
    expect(pending).not.toBeNull()
    const again = opened(update, pending!)
    expect(again.getText('u').toString()).toHaveLength(10)
    Y.applyUpdate(again, updates[0]!)
    expect(again.getText('t').toString()).toBe(writer.getText('t').toString())
  })

  test('of many clients, structs and deletions, is as Yjs has it', async () => {
    const doc = new Y.Doc()
    const text = doc.getText('t')
    for (let client = 1; client <= 40; client++) {
      doc.clientID = client * 1_000_003
      for (let index = 0; index < 60; index++) text.insert((index * client) % (text.length + 1), 'some words ')
      text.delete(client, 30)
    }
    expect((await encodeInSlices(doc, restless())).update).toEqual(Y.encodeStateAsUpdate(doc))
  })
})
