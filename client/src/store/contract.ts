import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { pendingIn } from './dirty-mark.ts'
import type { Loaded, LocalStore, LocalStores } from './local-store.ts'

/** How the suite reaches the stores and what is behind them. */
export interface StoresUnderTest {
  readonly stores: LocalStores
  /** Puts a row behind the stores' back, into the document's first copy. */
  putRow(document: string, row: Uint8Array): Promise<void>
}

interface Opened extends Loaded {
  readonly id: string
  readonly doc: Y.Doc
  readonly store: LocalStore
  readonly errors: string[]
  readonly pending: number
  text(): string
  /** Writes as a person does, and hands the update over as the document does. */
  write(text: string, position: number | null): Promise<void>
  acknowledge(position: number): Promise<void>
}

let names = 0
let openings = 0

/** What every local store does, whatever it stores in. */
export function storeContract(make: () => StoresUnderTest): void {
  const { stores, putRow } = make()
  const fresh = () => `contract-${++names}`

  async function open(document: string): Promise<Opened> {
    const doc = new Y.Doc()
    const errors: string[] = []
    const id = `opening-${++openings}`
    const store = stores.open(document, doc, id, {
      failed: ({ code }) => errors.push(code),
      recovered: () => errors.push('recovered'),
      lost: ({ code }) => errors.push(code),
    })
    const loaded = await store.load()
    const text = doc.getText('t')
    return {
      ...loaded,
      ...{ id, doc, store, errors },
      pending: pendingIn(loaded.marks.values()),
      text: () => text.toString(),
      write(written, position) {
        const updates: Uint8Array[] = []
        const collect = (update: Uint8Array) => updates.push(update)
        doc.on('update', collect)
        text.insert(text.length, written)
        doc.off('update', collect)
        return store.append(Y.mergeUpdates(updates), position)
      },
      acknowledge: (position) => store.acknowledge(new Map([[id, position]])),
    }
  }

  /** Opens, looks and closes. */
  async function look(document: string): Promise<Opened> {
    const opened = await open(document)
    await opened.store.close()
    return opened
  }

  test('[C1] [R2.3] what was written is there when it is opened again, with no network', async () => {
    const name = fresh()
    const first = await open(name)
    expect(first.pending).toBe(0)
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
    await first.acknowledge(2)
    await first.store.close()
    const second = await open(name)
    expect(second.pending).toBe(1)
    await second.store.close()
  })

  test('[R3.1] what was acknowledged is not pending when it is opened again', async () => {
    const name = fresh()
    const first = await open(name)
    await first.write('a', 1)
    await first.acknowledge(1)
    await first.write('b', null)
    await first.store.close()
    const second = await open(name)
    expect(second.pending).toBe(0)
    expect(second.text()).toBe('ab')
    await second.store.close()
  })

  test('[R3.2] what was inherited stays pending through openings, until its own opening is acknowledged', async () => {
    const name = fresh()
    const first = await open(name)
    await first.write('a', 1)
    await first.store.close()
    const second = await open(name)
    await second.write('b', 1)
    await second.store.close()
    const third = await open(name)
    expect(third.marks).toEqual(
      new Map([
        [first.id, { from: 1, to: 1 }],
        [second.id, { from: 1, to: 1 }],
      ]),
    )
    await third.store.acknowledge(new Map([[first.id, 1]]))
    await third.store.close()
    const fourth = await open(name)
    expect([...fourth.marks.keys()]).toEqual([second.id])
    await fourth.store.acknowledge(new Map([[second.id, 1]]))
    await fourth.store.close()
    expect((await look(name)).pending).toBe(0)
  })

  test('[D1.5] two tabs have the same copy open: each counts for itself, and either may take back for both', async () => {
    const name = fresh()
    const [first, second] = [await open(name), await open(name)]
    expect(second.copy).toBe(first.copy)
    await first.write('a', 1)
    await second.write('b', 1)
    await second.write('c', 2)
    const both = await look(name)
    expect(both.pending).toBe(3)
    expect(both.text()).toHaveLength(3)
    // the leader tells what is durable, its own and the other tab's
    await first.store.acknowledge(
      new Map([
        [first.id, 1],
        [second.id, 1],
      ]),
    )
    expect((await look(name)).marks).toEqual(new Map([[second.id, { from: 2, to: 2 }]]))
    await second.acknowledge(2)
    expect((await look(name)).pending).toBe(0)
    await Promise.all([first.store.close(), second.store.close()])
  })

  test('[R3.1] an edit made while the mark of the one before is taken back keeps its own', async () => {
    const name = fresh()
    const [writer, leader] = [await open(name), await open(name)]
    await writer.write('a', 1)
    const acknowledged = leader.store.acknowledge(new Map([[writer.id, 1]]))
    const written = writer.write('b', 2)
    await Promise.all([acknowledged, written])
    const { marks } = await look(name)
    expect(marks.get(writer.id)?.to).toBe(2)
    await writer.acknowledge(2)
    expect((await look(name)).pending).toBe(0)
    await Promise.all([writer.store.close(), leader.store.close()])
  })

  test('[R3.1] a mark that is written after the ack was heard from another tab does not stay', async () => {
    const name = fresh()
    const [writer, leader] = [await open(name), await open(name)]
    // the leader had the edit from the channel, and its ack, before the writer's own transaction was through
    await leader.store.acknowledge(new Map([[writer.id, 1]]))
    const written = writer.write('a', 1)
    const heard = writer.acknowledge(1)
    await Promise.all([written, heard])
    await writer.store.close()
    await leader.store.close()
    expect((await look(name)).pending).toBe(0)
  })

  test('acknowledgements in quick succession are all written down', async () => {
    const name = fresh()
    const opened = await open(name)
    for (let position = 1; position <= 50; position++) void opened.write('x', position)
    for (let position = 1; position <= 49; position++) void opened.acknowledge(position)
    await opened.store.close()
    expect((await look(name)).marks).toEqual(new Map([[opened.id, { from: 50, to: 50 }]]))
  })

  test('an ack that comes before its edit was stored leaves no mark behind', async () => {
    const name = fresh()
    const first = await open(name)
    const written = first.write('a', 1)
    const acknowledged = first.acknowledge(1)
    await Promise.all([written, acknowledged])
    await first.store.close()
    const second = await open(name)
    expect(second.pending).toBe(0)
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

  test('[D3.6] it remembers whose edits the copy holds', async () => {
    const name = fresh()
    const first = await open(name)
    expect(first.account).toBeNull()
    await first.store.rememberAccount('anna')
    await first.store.close()
    expect((await look(name)).account).toBe('anna')
  })

  test('[D3.9] it says whose each copy of a document is, and makes none by that', async () => {
    const name = fresh()
    expect(await stores.owners(name)).toEqual([])
    expect(await stores.documents()).not.toContain(name)
    const first = await open(name)
    await first.store.speakFor('anna')
    await first.write('a', 1)
    await first.store.setAside({ reason: 'discarded', at: 1 })
    await first.store.close()
    const second = await open(name)
    await second.store.rememberAccount('bert')
    await second.store.close()
    expect(await stores.owners(name)).toEqual([
      {
        ...{ id: first.copy, account: null, isSetAside: true },
        marks: new Map([[first.id, { from: 1, to: 1, account: 'anna' }]]),
      },
      { id: second.copy, marks: new Map(), account: 'bert', isSetAside: false },
    ])
  })

  test('[R6.1] a row that does not decode is told, kept aside, and the rest opens; the next time it is not in the way', async () => {
    const name = fresh()
    const first = await open(name)
    await first.write('good ', 1)
    await first.store.close()
    await putRow(name, Uint8Array.of(1, 255, 3))
    const other = new Y.Doc()
    other.getText('u').insert(0, 'after')
    await putRow(name, Y.encodeStateAsUpdate(other))
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
    const store = stores.open(name, doc, 'early', { failed() {}, recovered() {}, lost() {} })
    doc.getText('t').insert(0, 'early')
    const written = store.append(Y.encodeStateAsUpdate(doc), 1)
    await store.load()
    await written
    await store.close()
    const second = await open(name)
    expect(second.text()).toBe('early')
    expect(second.pending).toBe(1)
    await second.store.close()
  })

  test('[R9.4] a copy that is set aside stays, takes what is still written to it, and the next opening begins anew', async () => {
    const name = fresh()
    const [first, second] = [await open(name), await open(name)]
    await first.write('old', 1)
    await first.store.remember({ epoch: 'e1', revision: 3 })
    await first.store.setAside({ reason: 'epoch-mismatch', at: 7 })
    await second.store.setAside({ reason: 'discarded', at: 8 })
    const anew = await open(name)
    expect(anew.text()).toBe('')
    expect(anew.history).toBeNull()
    expect(anew.pending).toBe(0)
    expect(anew.copy).not.toBe(first.copy)
    await anew.write('new', null)
    await second.write(' and late', 1)
    await Promise.all([first.store.close(), second.store.close(), anew.store.close()])

    expect((await look(name)).text()).toBe('new')
    const copies = (await stores.setAsideCopies()).filter(({ document }) => document === name)
    expect(copies).toEqual([{ id: first.copy, document: name, reason: 'epoch-mismatch', at: 7, pendingCount: 2 }])
    const kept = (await stores.readSetAside(first.copy)).getText('t').toString()
    expect([...kept].sort()).toEqual([...'old and late'].sort())
    expect(await stores.pendingCount(name)).toBe(0)
  })

  test('[R9.5] a copy that is dropped is gone, and the one that took its place is not; it can be set aside, too', async () => {
    const name = fresh()
    const first = await open(name)
    await first.write('one', 1)
    await first.store.setAside({ reason: 'epoch-mismatch', at: 1 })
    await first.store.close()
    const second = await open(name)
    await second.write('two', 1)
    await second.store.setAside({ reason: 'epoch-mismatch', at: 2 })
    await second.store.close()
    const third = await open(name)
    await third.write('three', 1)
    await third.store.close()
    await stores.dropSetAside(first.copy)
    const copies = (await stores.setAsideCopies()).filter(({ document }) => document === name)
    expect(copies.map(({ id }) => id)).toEqual([second.copy])
    expect((await look(name)).text()).toBe('three')
    expect(await stores.pendingCount(name)).toBe(1)
    await expect(stores.readSetAside('none')).rejects.toMatchObject({ code: 'not-found' })
    await expect(stores.dropSetAside(third.copy)).rejects.toMatchObject({ code: 'not-found' })
  })

  test('[H9] [R3.4] a document that is deleted is gone with all its copies, and others are not', async () => {
    const [name, other] = [fresh(), fresh()]
    const bystander = await open(other)
    await bystander.write('mine', 1)
    await bystander.store.close()
    const first = await open(name)
    await first.write('one', 1)
    await first.store.setAside({ reason: 'epoch-mismatch', at: 1 })
    await first.store.close()
    const second = await open(name)
    await second.write('two', 1)
    await second.store.close()
    expect(await stores.documents()).toEqual(expect.arrayContaining([name, other]))
    await stores.delete(name, new AbortController().signal)
    expect(await stores.documents()).not.toContain(name)
    expect(await stores.pendingCount(name)).toBe(0)
    expect((await stores.setAsideCopies()).map(({ document }) => document)).not.toContain(name)
    expect((await look(name)).text()).toBe('')
    expect((await look(other)).text()).toBe('mine')
  })

  test('[R3.5] what was handed over before it was loaded is stored, although it is closed at once', async () => {
    const name = fresh()
    const doc = new Y.Doc()
    const store = stores.open(name, doc, 'hasty', { failed() {}, recovered() {}, lost() {} })
    doc.getText('t').insert(0, 'hasty')
    const written = store.append(Y.encodeStateAsUpdate(doc), 1)
    const [loading, closing] = [store.load(), store.close()]
    await Promise.all([written, loading, closing])
    const second = await look(name)
    expect([second.text(), second.pending]).toEqual(['hasty', 1])
  })

  test('[R3.5] [R9.1] what another opening has stored since is found, with what is pending of it, and its history', async () => {
    const name = fresh()
    const [first, second] = [await open(name), await open(name)]
    const known = { epoch: 'e', revision: 1 }
    await second.write('later', 1)
    await second.store.remember(known)
    await second.store.close()
    expect(first.text()).toBe('')
    const { marks, history } = await first.store.readNew()
    expect([first.text(), marks.get(second.id), history]).toEqual(['later', { from: 1, to: 1 }, known])
    expect(await first.store.facts()).toMatchObject({ history: known })
    await first.store.close()
  })

  test('[R3.9] setting aside is refused when it is closed, and then nothing is set aside', async () => {
    const name = fresh()
    const first = await open(name)
    await first.write('kept', 1)
    await first.store.close()
    await expect(first.store.setAside({ reason: 'discarded', at: 1 })).rejects.toMatchObject({
      code: 'document-closed',
    })
    expect((await look(name)).text()).toBe('kept')
    expect(await stores.setAsideCount(name)).toBe(0)
  })

  test('[R3.4] [R9.6] what is pending in copies that were set aside is counted apart', async () => {
    const name = fresh()
    const first = await open(name)
    await first.write('a', 1)
    await first.write('b', 2)
    await first.store.setAside({ reason: 'discarded', at: 1 })
    await first.store.close()
    const second = await open(name)
    await second.write('c', 1)
    await second.store.close()
    expect([await stores.pendingCount(name), await stores.setAsideCount(name)]).toEqual([1, 2])
    await stores.dropSetAside(first.copy)
    expect([await stores.pendingCount(name), await stores.setAsideCount(name)]).toEqual([1, 0])
  })

  test('[R3.11] a row in quarantine that may hold a pending edit stays counted, whatever is acknowledged', async () => {
    const name = fresh()
    const first = await open(name)
    await first.write('pending', 1)
    await first.store.close()
    await putRow(name, Uint8Array.of(1, 255, 3))
    const second = await open(name)
    await second.store.acknowledge(new Map([[first.id, 1]]))
    await second.store.close()
    expect(await stores.pendingCount(name)).toBe(1)
    expect((await look(name)).pending).toBe(0)
    expect(await stores.pendingCount(name)).toBe(1)
    await stores.delete(name, new AbortController().signal)
    expect(await stores.pendingCount(name)).toBe(0)
  })

  test('[R3.11] and one that is found when nothing is pending holds nothing that the server lacks', async () => {
    const name = fresh()
    const first = await open(name)
    await first.write('saved', null)
    await first.store.close()
    await putRow(name, Uint8Array.of(1, 255, 3))
    await look(name)
    expect(await stores.pendingCount(name)).toBe(0)
  })

  test('[R3.8] it knows what of an update the stored content lacks, deletions included', async () => {
    const name = fresh()
    const first = await open(name)
    await first.write('stored', 1)
    await first.store.close()
    const second = await open(name)
    const all = () => Y.encodeStateAsUpdate(second.doc)
    expect(second.lacking(all())).toBe(null)
    second.doc.getText('t').delete(0, 3)
    const deleted = second.lacking(all())
    expect(deleted).not.toBe(null)
    Y.applyUpdate(first.doc, deleted!)
    expect(first.text()).toBe('red')
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
