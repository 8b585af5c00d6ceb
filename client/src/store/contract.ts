import { expect, test } from 'vitest'
import * as Y from 'yjs'
import type { LocalStore, StoreEvents } from './local-store.ts'

/** How the suite reaches a store and what is behind it. */
export interface StoreUnderTest {
  open(name: string, doc: Y.Doc, events: StoreEvents): LocalStore
  /** Puts a row behind the store's back. */
  putRow(name: string, row: Uint8Array): Promise<void>
}

interface Opened {
  readonly doc: Y.Doc
  readonly store: LocalStore
  readonly errors: string[]
  readonly inherited: number
  readonly history: unknown
  text(): string
  /** Writes as a person does, and hands the update over as the document does. */
  write(text: string, position: number | null): Promise<void>
}

let names = 0

/** What every local store does, whatever it stores in. */
export function storeContract(make: () => StoreUnderTest): void {
  const under = make()
  const fresh = () => `contract-${++names}`

  async function open(name: string): Promise<Opened> {
    const doc = new Y.Doc()
    const errors: string[] = []
    const store = under.open(name, doc, {
      failed: ({ code }) => errors.push(code),
      recovered: () => errors.push('recovered'),
      lost: ({ code }) => errors.push(code),
    })
    const { inherited, history } = await store.load()
    const text = doc.getText('t')
    return {
      ...{ doc, store, errors, inherited, history },
      text: () => text.toString(),
      write(written, position) {
        const updates: Uint8Array[] = []
        const collect = (update: Uint8Array) => updates.push(update)
        doc.on('update', collect)
        text.insert(text.length, written)
        doc.off('update', collect)
        return store.append(Y.mergeUpdates(updates), position)
      },
    }
  }

  test('[C1] [R2.3] what was written is there when it is opened again, with no network', async () => {
    const name = fresh()
    const first = await open(name)
    expect(first.inherited).toBe(0)
    await first.write('hello ', 1)
    await first.write('world', null)
    await first.store.close()
    const second = await open(name)
    expect(second.text()).toBe('hello world')
    expect(second.errors).toEqual([])
    await second.store.close()
  })

  test('[R3.1] [H6] what was not acknowledged is pending when it is opened again, exactly', async () => {
    const name = fresh()
    const first = await open(name)
    await first.write('a', 1)
    await first.write('b', 2)
    await first.write('c', 3)
    await first.store.acknowledge(2)
    await first.store.close()
    const second = await open(name)
    expect(second.inherited).toBe(1)
    await second.store.close()
  })

  test('[R3.1] what was acknowledged is not pending when it is opened again', async () => {
    const name = fresh()
    const first = await open(name)
    await first.write('a', 1)
    await first.store.acknowledge(1)
    await first.write('b', null)
    await first.store.close()
    const second = await open(name)
    expect(second.inherited).toBe(0)
    expect(second.text()).toBe('ab')
    await second.store.close()
  })

  test('[R3.2] what was inherited stays pending through openings, until a handshake is acknowledged', async () => {
    const name = fresh()
    const first = await open(name)
    await first.write('a', 1)
    await first.store.close()
    const second = await open(name)
    await second.write('b', 1)
    await second.store.close()
    const third = await open(name)
    expect(third.inherited).toBe(2)
    await third.store.acknowledge(0)
    await third.store.close()
    const fourth = await open(name)
    expect(fourth.inherited).toBe(0)
    await fourth.store.close()
  })

  test('an ack that comes before its edit was stored leaves no mark behind', async () => {
    const name = fresh()
    const first = await open(name)
    const written = first.write('a', 1)
    const acknowledged = first.store.acknowledge(1)
    await Promise.all([written, acknowledged])
    await first.store.close()
    const second = await open(name)
    expect(second.inherited).toBe(0)
    await second.store.close()
  })

  test('[R9.1] it remembers which history the copy belongs to', async () => {
    const name = fresh()
    const first = await open(name)
    expect(first.history).toBeNull()
    await first.store.remember({ epoch: 'e1', revision: 4 })
    await first.store.remember({ epoch: 'e1', revision: 5 })
    await first.store.close()
    const second = await open(name)
    expect(second.history).toEqual({ epoch: 'e1', revision: 5 })
    await second.store.close()
  })

  test('[R6.1] a row that does not decode is told, kept aside, and the rest opens; the next time it is not in the way', async () => {
    const name = fresh()
    const first = await open(name)
    await first.write('good ', 1)
    await first.store.close()
    await under.putRow(name, Uint8Array.of(1, 255, 3))
    const other = new Y.Doc()
    other.getText('u').insert(0, 'after')
    await under.putRow(name, Y.encodeStateAsUpdate(other))
    const second = await open(name)
    expect(second.text()).toBe('good ')
    expect(second.doc.getText('u').toString()).toBe('after')
    expect(second.errors).toEqual(['local-storage-corrupt'])
    await second.store.close()
    const third = await open(name)
    expect(third.errors).toEqual([])
    expect(third.text()).toBe('good ')
    await third.store.close()
  })

  test('an edit made while it is still being opened is stored', async () => {
    const name = fresh()
    const doc = new Y.Doc()
    const store = under.open(name, doc, { failed() {}, recovered() {}, lost() {} })
    doc.getText('t').insert(0, 'early')
    const written = store.append(Y.encodeStateAsUpdate(doc), 1)
    await store.load()
    await written
    await store.close()
    const second = await open(name)
    expect(second.text()).toBe('early')
    expect(second.inherited).toBe(1)
    await second.store.close()
  })

  test('closing twice is harmless, and after it nothing is stored', async () => {
    const name = fresh()
    const first = await open(name)
    const written = first.write('a', 1)
    await Promise.all([first.store.close(), first.store.close()])
    await written
    await expect(first.write('b', 2)).rejects.toMatchObject({ code: 'document-closed' })
    const second = await open(name)
    expect(second.text()).toBe('a')
    await second.store.close()
  })
}
