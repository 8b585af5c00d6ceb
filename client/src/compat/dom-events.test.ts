import 'fake-indexeddb/auto'
import { describe, expect, test } from 'vitest'
import { personAt } from '../test-helpers/person.ts'
import { startStockServer } from '../test-helpers/stock-server.ts'
import { until } from '../test-helpers/until.ts'
import { emitDomEvents } from './dom-events.ts'
import { createStore } from './store.ts'

function page(prefix = 'heys') {
  const target = new EventTarget()
  const heard: { name: string; detail: Record<string, unknown> }[] = []
  for (const name of ['pending-change', 'queue-drained', 'sync-error']) {
    target.addEventListener(`${prefix}:${name}`, (event) => heard.push({ name, detail: (event as CustomEvent).detail }))
  }
  return { target, heard, namesHeard: () => heard.map(({ name }) => name) }
}

describe('[H2] [H3] [D4.4] what a page hears of a document', () => {
  test('pending-change in the tick of the edit; queue-drained when the server has it; nothing any more when stopped', async () => {
    await using server = await startStockServer()
    const { client, line } = personAt(server.url)
    const document = client.open('diary')
    const store = createStore(document)
    await document.whenSynced
    const { target, heard, namesHeard } = page()
    const stop = emitDomEvents(document, { target })
    line.holds = ({ kind }) => kind === 'sync-status'
    store.set('weight', 60)
    expect(heard).toEqual([{ name: 'pending-change', detail: { documentName: 'diary', pendingCount: 1 } }])
    await until('the answer is held', () => line.heldCount > 0)
    expect(namesHeard()).toEqual(['pending-change'])
    line.release()
    await until('it is drained', () => heard.length > 1)
    expect(namesHeard()).toEqual(['pending-change', 'queue-drained'])
    stop()
    store.set('weight', 61)
    await document.flush()
    expect(heard).toHaveLength(2)
  })

  test('under a prefix of the app’s', async () => {
    const { client } = personAt('ws://127.0.0.1:1/sync')
    const { target, namesHeard } = page('diary')
    const document = client.open('diary')
    emitDomEvents(document, { target, prefix: 'diary' })
    createStore(document).set('a', 1)
    expect(namesHeard()).toEqual(['pending-change'])
  })
})

describe('[H3] [D4.4] what a page hears of a client', () => {
  test('queue-drained only when every document is, those opened later and those closed meanwhile included', async () => {
    await using server = await startStockServer()
    const { client, line } = personAt(server.url)
    const [one, two] = [client.open('one'), client.open('two')]
    const { target, namesHeard } = page()
    emitDomEvents(client, { target })
    const three = client.open('three')
    await Promise.all([one, two, three].map((document) => document.whenSynced))

    line.holds = ({ kind }) => kind === 'sync-status'
    for (const document of [one, three]) createStore(document).set('a', 1)
    expect(namesHeard()).toEqual(['pending-change', 'pending-change'])
    await until('one answer is held', () => line.heldCount > 0)
    await three.close()
    line.release()
    createStore(two).set('a', 1)
    await Promise.all([one.flush(), two.flush()])
    expect(namesHeard(), 'what three had pending is not on the server').not.toContain('queue-drained')

    const again = client.open('three')
    await again.whenLoaded
    await until('three is drained', () => again.pendingCount === 0 && again.synced)
    expect(namesHeard().filter((name) => name === 'queue-drained')).toHaveLength(1)
    expect(namesHeard().at(-1)).toBe('queue-drained')
  })

  test('[H4] a failure of the connection is one sync-error however many documents are open, and says how it stands', async () => {
    const { client, log } = personAt('ws://127.0.0.1:1/sync')
    const { target, heard } = page()
    emitDomEvents(client, { target })
    for (const name of ['one', 'two', 'three']) client.open(name)
    await until('two attempts have failed', () => log.length >= 2)
    const { attempt } = log.at(-1)!
    expect(heard).toHaveLength(attempt)
    expect(heard[0]!.detail).toMatchObject({ code: 'server-unreachable', persistent: false })
    expect(heard[0]!.detail.error).toMatchObject({ code: 'server-unreachable', consequence: 'retry' })
  })

  test('[H1] [H4] a write that was refused is a sync-error, persistent, in the same tick', async () => {
    const { client } = personAt('ws://127.0.0.1:1/sync')
    const { target, heard } = page()
    emitDomEvents(client, { target })
    const store = createStore(client.open('diary'), { validate: () => 'no' })
    expect(() => store.set('a', 1)).toThrow('no')
    expect(heard).toHaveLength(1)
    expect(heard[0]).toMatchObject({
      name: 'sync-error',
      detail: { documentName: 'diary', code: 'value-invalid', persistent: true, error: { message: 'no' } },
    })
  })

  test('two listeners, each stopped on its own', () => {
    const { client } = personAt('ws://127.0.0.1:1/sync')
    const [first, second] = [page(), page()]
    const stop = emitDomEvents(client, { target: first.target })
    emitDomEvents(client, { target: second.target })
    stop()
    createStore(client.open('diary')).set('a', 1)
    expect([first.heard.length, second.heard.length]).toEqual([0, 1])
  })
})
