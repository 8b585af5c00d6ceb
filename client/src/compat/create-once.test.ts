import 'fake-indexeddb/auto'
import { describe, expect, test } from 'vitest'
import { HandClock } from '../test-helpers/hand-clock.ts'
import { listenTo, personAt } from '../test-helpers/person.ts'
import { until } from '../test-helpers/until.ts'
import type { Locks } from './alone.ts'
import { createStore, type Validate } from './store.ts'

const nowhere = 'ws://127.0.0.1:1/sync'

async function diary(options: { validate?: Validate } = {}) {
  const document = personAt(nowhere).client.open('diary')
  await document.whenLoaded
  const store = createStore(document, options)
  await store.whenLoaded
  return { document, store }
}

describe('[P9] [D4.3] creating what may be there already', () => {
  test('it is made once, however many ask, and the others get it', async () => {
    const { document, store } = await diary()
    let made = 0
    const answers = await Promise.all(
      [1, 2, 3].map(() =>
        store.createIfAbsent('profile', async () => {
          await new Promise((resolve) => setTimeout(resolve, 5))
          return { id: ++made }
        }),
      ),
    )
    expect(answers.map(({ created }) => created).sort()).toEqual([false, false, true])
    expect(answers.map(({ value }) => value)).toEqual(Array(3).fill({ id: 1 }))
    expect([made, document.pendingCount]).toEqual([1, 1])
  })

  test('what is on this device already is not made anew: it waits for it to be loaded', async () => {
    const namespace = 'loaded-first'
    const first = personAt(nowhere, { namespace }).client
    const before = createStore(first.open('diary'))
    await before.createIfAbsent('profile', () => 'first')
    await first.close()
    const store = createStore(personAt(nowhere, { namespace }).client.open('diary'))
    expect(await store.createIfAbsent('profile', () => 'second')).toEqual({ value: 'first', created: false })
  })

  test('two tabs of one browser at once: one entry, the first wins, the second gets it', async () => {
    const namespace = 'two-tabs'
    const stores = [1, 2].map(() => createStore(personAt(nowhere, { namespace }).client.open('diary')))
    const answers = await Promise.all(
      stores.map((store, tab) => store.createIfAbsent('profile', () => ({ madeIn: tab }))),
    )
    expect(answers.map(({ created }) => created).sort()).toEqual([false, true])
    const { value } = answers.find(({ created }) => created)!
    expect(answers.map((answer) => answer.value)).toEqual([value, value])
    expect(stores.map((store) => store.get('profile'))).toEqual([value, value])
  })

  test('a tab that is stuck while it makes one does not keep the others waiting for ever', async () => {
    const namespace = 'stuck'
    const stuck = createStore(personAt(nowhere, { namespace }).client.open('stuck'))
    let isStuck = false
    void stuck.createIfAbsent('profile', () => {
      isStuck = true
      return new Promise(() => {})
    })
    await until('it is stuck', () => isStuck)
    const clock = new HandClock()
    const store = createStore(personAt(nowhere, { namespace }).client.open('stuck'), { clock })
    const answer = store.createIfAbsent('profile', () => 'mine')
    await until('it waits', () => clock.pending > 0)
    clock.advance(10_000)
    expect(await answer).toEqual({ value: 'mine', created: true })
    expect(clock.pending).toBe(0)
  })

  test('where there are no locks, or the page may not use them, it works within the tab', async () => {
    const forbidden: Locks = { request: () => Promise.reject(new DOMException('no', 'SecurityError')) }
    for (const locks of [null, forbidden]) {
      const { document } = await diary()
      const store = createStore(document, { locks })
      const answers = await Promise.all([1, 2].map((value) => store.createIfAbsent('a', () => value)))
      expect(answers).toEqual([
        { value: 1, created: true },
        { value: 1, created: false },
      ])
    }
  })

  test('the app’s rules hold here too, and a failing maker is the caller’s own error', async () => {
    const { document, store } = await diary({
      validate: (_key, value) => ((value as { name: string }).name ? true : 'no name'),
    })
    const heard = listenTo(document)
    await expect(store.createIfAbsent('profile', () => ({ name: '' }))).rejects.toMatchObject({ code: 'value-invalid' })
    await expect(store.createIfAbsent('profile', () => Promise.reject(new Error('mine')))).rejects.toThrow('mine')
    expect(await store.createIfAbsent('profile', () => ({ name: 'Ada' }))).toMatchObject({ created: true })
    expect(heard.pending).toEqual([1])
  })
})
