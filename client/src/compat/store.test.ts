import 'fake-indexeddb/auto'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import type { TidemarkDocument } from '../index.ts'
import { personAt } from '../test-helpers/person.ts'
import { startStockServer } from '../test-helpers/stock-server.ts'
import { until } from '../test-helpers/until.ts'
import { emitDomEvents } from './dom-events.ts'
import { createStore, type Validate } from './store.ts'

const nowhere = 'ws://127.0.0.1:1/sync'

async function diary(options: { validate?: Validate } = {}) {
  const document = personAt(nowhere).client.open('diary')
  await document.whenLoaded
  const store = createStore(document, options)
  await store.whenLoaded
  return { document, store }
}

/** What the DOM events said was refused. */
function refusalsOf(document: TidemarkDocument): string[] {
  const codes: string[] = []
  const target = new EventTarget()
  target.addEventListener('heys:sync-error', (event) =>
    codes.push((event as CustomEvent<{ code: string }>).detail.code),
  )
  emitDomEvents(document, { target })
  return codes
}

const validate: Validate = (key, value, { previous }) => {
  if (key === 'profile') {
    if (value === undefined) return 'A profile cannot be deleted.'
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('not a profile')
    if (!value.name) throw new Error('A profile needs a name.')
  }
  if (key === 'products' && !Array.isArray(value)) return false
  if (key === 'counter' && previous !== undefined && Number(value) < Number(previous)) return 'It only counts up.'
}

describe('[H1] [D4.1] writing', () => {
  test('a write is there in the same tick, before the copy on this device is loaded too', () => {
    const document = personAt(nowhere).client.open('diary')
    const store = createStore(document)
    store.set('weight', { kg: 61.5 })
    expect(store.get('weight')).toEqual({ kg: 61.5 })
    expect(document.pendingCount).toBe(1)
    expect(document.status.kind).toBe('loading')
  })

  test('a write that the app’s rules refuse is stored nowhere, thrown, and told on the one path for errors', async () => {
    const { document, store } = await diary({ validate })
    const refused = refusalsOf(document)
    store.set('profile', { name: 'Ada' })
    const before = Y.encodeStateAsUpdate(document.doc)
    for (const [write, message] of [
      [() => store.set('profile', { name: '' }), 'A profile needs a name.'],
      [() => store.set('profile', null), 'not a profile'],
      [() => store.delete('profile'), 'A profile cannot be deleted.'],
      [() => store.set('products', 'none'), /rules of this app/],
      [() => store.setMany({ weight: 60, profile: {} }), 'A profile needs a name.'],
      [() => store.set('weight', Number.NaN), 'not JSON: NaN'],
      [() => store.set('weight', undefined), 'not JSON: undefined'],
      [() => store.set('*', 1), /key/],
    ] as const) {
      expect(write).toThrow(expect.objectContaining({ code: 'value-invalid', message: expect.stringMatching(message) }))
    }
    expect(refused).toEqual(Array(8).fill('value-invalid'))
    expect(Y.encodeStateAsUpdate(document.doc)).toEqual(before)
    expect(document.pendingCount).toBe(1)
    expect(store.entries()).toEqual([['profile', { name: 'Ada' }]])
  })

  test('the error says why: its cause is what the validator threw', async () => {
    const reason = new RangeError('too much')
    const { store } = await diary({
      validate() {
        throw reason
      },
    })
    expect(() => store.set('a', 1)).toThrow(expect.objectContaining({ cause: reason, message: 'too much' }))
  })

  test('a validator that would answer later refuses: nothing may be stored before it has', async () => {
    const { store } = await diary({ validate: async () => undefined })
    expect(() => store.set('a', 1)).toThrow(expect.objectContaining({ code: 'value-invalid' }))
  })

  test('the validator is told the value before', async () => {
    const { store } = await diary({ validate })
    store.set('counter', 1)
    store.set('counter', 2)
    expect(() => store.set('counter', 1)).toThrow('It only counts up.')
  })

  test('many at once are one edit', async () => {
    const { document, store } = await diary()
    store.setMany({ breakfast: 'porridge', lunch: 'soup' })
    store.setMany(new Map([['dinner', 'rice']]))
    expect(document.pendingCount).toBe(2)
    expect(store.keys()).toEqual(['breakfast', 'dinner', 'lunch'])
  })

  test('an equal value is no edit, and neither is deleting what is not there', async () => {
    const { document, store } = await diary()
    store.set('meal', { name: 'soup', parts: ['water', 'salt'] })
    store.set('meal', { parts: ['water', 'salt'], name: 'soup' })
    expect(store.delete('nothing')).toBe(false)
    expect(document.pendingCount).toBe(1)
    expect(store.delete('meal')).toBe(true)
    expect([store.has('meal'), store.get('meal'), document.pendingCount]).toEqual([false, undefined, 2])
  })

  test('what goes in and what comes out are copies', async () => {
    const { document, store } = await diary()
    const meal = { parts: ['water'] }
    store.set('meal', meal)
    meal.parts.push('poison')
    const taken = store.get('meal') as typeof meal
    taken.parts.push('poison')
    expect(store.get('meal')).toEqual({ parts: ['water'] })
    const stored = document.doc.getMap('store').get('meal') as typeof meal
    expect(() => stored.parts.push('poison')).toThrow(TypeError)
  })

  test('after closing, a write is refused instead of being lost', async () => {
    const { document, store } = await diary()
    await document.close()
    expect(() => store.set('a', 1)).toThrow(expect.objectContaining({ code: 'document-closed' }))
    expect(store.get('a')).toBeUndefined()
  })

  test('a document that has something else under the name is told so', async () => {
    const { document } = await diary()
    document.doc.getText('notes')
    expect(() => createStore(document, { map: 'notes' })).toThrow(
      expect.objectContaining({ code: 'configuration-invalid' }),
    )
  })
})

describe('[H1] [D4.5] reading what others put there', () => {
  test('never throws: what is not JSON is not there, and stays in the document', async () => {
    const { document, store } = await diary()
    const map = document.doc.getMap<unknown>('store')
    map.set('text', new Y.Text('rich'))
    map.set('bytes', Uint8Array.of(1))
    map.set('big', 1n)
    map.set('not a number', Number.NaN)
    map.set('undefined', undefined)
    map.set('fine', 1)
    for (const key of map.keys())
      if (key !== 'fine') expect([store.get(key), store.has(key)]).toEqual([undefined, false])
    expect(store.entries()).toEqual([['fine', 1]])
    store.delete('text')
    expect(map.get('text')).toBeInstanceOf(Y.Text)
    await expect(store.createIfAbsent('text', () => 'mine')).rejects.toMatchObject({ code: 'value-invalid' })
    expect(map.get('text')).toBeInstanceOf(Y.Text)
    store.set('text', 'mine')
    expect(store.get('text')).toBe('mine')
    const careless = { save: 1 as unknown }
    map.set('careless', careless)
    expect(store.has('careless')).toBe(true)
    careless.save = () => {}
    expect(store.get('careless')).toBeUndefined()
  })

  test('a validator that has become stricter does not stand in the way of reading', async () => {
    const { document } = await diary()
    createStore(document).set('profile', {})
    expect(createStore(document, { validate }).get('profile')).toEqual({})
  })
})

describe('[H10] watching', () => {
  test('a key, or all of them; in the same tick, with the value before; until it is stopped', async () => {
    const { store } = await diary()
    const weights: unknown[] = []
    const all: string[] = []
    const stop = store.watch('weight', (change) => weights.push(change))
    store.watch('*', ({ key }) => all.push(key))
    store.set('weight', 60)
    store.set('weight', 61)
    store.set('weight', 61)
    store.set('sleep', 8)
    store.delete('weight')
    expect(weights).toEqual([
      { key: 'weight', value: 60, previous: undefined, isLocal: true },
      { key: 'weight', value: 61, previous: 60, isLocal: true },
      { key: 'weight', value: undefined, previous: 61, isLocal: true },
    ])
    stop()
    stop()
    store.set('weight', 62)
    expect(weights).toHaveLength(3)
    expect(all).toEqual(['weight', 'weight', 'sleep', 'weight', 'weight'])
  })

  test('what another person writes, through the server', async () => {
    await using server = await startStockServer()
    const [ada, ben] = [personAt(server.url), personAt(server.url)].map(({ client }) =>
      createStore(client.open('diary')),
    )
    const heard: unknown[] = []
    ben!.watch('weight', (change) => heard.push(change))
    ada!.set('weight', 60)
    await until('Ben hears of it', () => heard.length > 0)
    expect(heard).toEqual([{ key: 'weight', value: 60, previous: undefined, isLocal: false }])
    expect(ben!.get('weight')).toBe(60)
  })
})

describe('[D4.5] [H6] the copy on this device', () => {
  test('what is written before it is loaded is newer than what it holds', async () => {
    // chance gives the ids that Yjs would decide by: ten times is one in a thousand
    for (let time = 0; time < 10; time++) {
      const namespace = `early-${time}`
      const first = personAt(nowhere, { namespace }).client
      const before = createStore(first.open('diary'))
      await before.whenLoaded
      before.setMany({ weight: 'old', sleep: 'old', meal: 'old' })
      await first.close()
      const store = createStore(personAt(nowhere, { namespace }).client.open('diary'))
      store.set('weight', 'new')
      store.delete('sleep')
      expect(store.get('meal')).toBeUndefined()
      await store.whenLoaded
      expect(store.entries()).toEqual([
        ['meal', 'old'],
        ['weight', 'new'],
      ])
    }
  })
})
