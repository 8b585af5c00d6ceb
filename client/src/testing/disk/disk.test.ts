import type { Clock } from '@tidemark/shared'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { storeContract } from '../../store/contract.ts'
import { Chance } from '../chance.ts'
import { Thread } from '../thread.ts'
import { drain, Timeline } from '../timeline.ts'
import { Disk, readCopy } from './disk.ts'
import { DiskStores } from './disk-stores.ts'

function aDevice() {
  const timeline = new Timeline()
  const disk = new Disk(timeline, new Chance(1), 2)
  const tab = () => {
    const thread = new Thread(timeline)
    const clock: Clock = thread.clock({ wall: () => timeline.time, random: () => 0.5 })
    return { thread, stores: new DiskStores(disk, 'n', { thread, clock }) }
  }
  const open = async (stores: DiskStores, opening: string) => {
    const doc = new Y.Doc()
    const heard: string[] = []
    const store = stores.open('plan', doc, opening, {
      failed: ({ code }) => heard.push(code),
      recovered: () => heard.push('recovered'),
      lost: ({ code }) => heard.push(`lost ${code}`),
    })
    const loading = store.load()
    await timeline.advance(10)
    const write = (text: string, position: number) => {
      doc.getText('t').insert(doc.getText('t').length, text)
      const outcome = { stored: false }
      store.append(Y.encodeStateAsUpdate(doc), position).then(
        () => {
          outcome.stored = true
        },
        () => {},
      )
      return outcome
    }
    return { doc, heard, store, write, loaded: await loading }
  }
  const stored = () => {
    const copy = disk.current('n', 'plan')
    return copy && { text: readCopy(copy).getText('t').toString(), marks: copy.marks, history: copy.history }
  }
  return { timeline, disk, tab, open, stored }
}

describe('the simulated disk is a local store like the others', () => {
  const timeline = new Timeline()
  let isOver = false
  beforeAll(() => {
    const run = async () => {
      while (!isOver) {
        await timeline.advance(1)
        await drain()
      }
    }
    void run()
  })
  afterAll(() => {
    isOver = true
  })
  storeContract(() => {
    const disk = new Disk(timeline, new Chance(1), { least: 0, most: 2 })
    const thread = new Thread(timeline)
    const clock = thread.clock({ wall: () => timeline.time, random: () => 0.5 })
    return {
      stores: new DiskStores(disk, 'n', { thread, clock }),
      async putRow(document, row) {
        disk.open('n', document).rows.push(row)
      },
    }
  })
})

test('[B6] [R3.2] what had not reached the disk when the tab crashed is lost, what had is there', async () => {
  const { timeline, tab, open, stored } = aDevice()
  const { thread, stores } = tab()
  const { write } = await open(stores, 'one')
  write('kept', 1)
  await timeline.advance(2)
  write(' and lost', 2)
  await timeline.advance(1)
  thread.end()
  await timeline.advance(10)
  expect(stored()).toMatchObject({ text: 'kept', marks: new Map([['one', { from: 1, to: 1 }]]) })
})

test('[B6] [D2.2] a full disk is told once, and what could not be written is written when there is space again', async () => {
  const { timeline, disk, tab, open, stored } = aDevice()
  const { heard, write } = await open(tab().stores, 'one')
  disk.state = 'full'
  const outcomes = [write('a', 1), write('b', 2)]
  await timeline.advance(10_000)
  expect(heard).toEqual(['local-storage-full'])
  expect(stored()).toMatchObject({ text: '' })
  disk.state = 'well'
  await timeline.advance(10_000)
  expect(heard).toEqual(['local-storage-full', 'recovered'])
  expect(outcomes).toEqual([{ stored: true }, { stored: true }])
  expect(stored()).toMatchObject({ text: 'ab', marks: new Map([['one', { from: 1, to: 2 }]]) })
})

test('[B6] [R2.3] a broken disk does not open, and one that hangs is given up', async () => {
  const { timeline, disk, tab } = aDevice()
  const events = { failed() {}, recovered() {}, lost() {} }
  disk.state = 'broken'
  const broken = tab().stores.open('plan', new Y.Doc(), 'one', events).load()
  broken.catch(() => {})
  await timeline.advance(10)
  await expect(broken).rejects.toMatchObject({ code: 'local-storage-unavailable' })
  disk.state = 'well'
  disk.delay = 60_000
  const hanging = tab().stores.open('plan', new Y.Doc(), 'one', events).load()
  hanging.catch(() => {})
  await timeline.advance(5_000)
  await expect(hanging).rejects.toMatchObject({ code: 'local-storage-unavailable' })
})

test('[B6] [D2.6] a copy that was thrown away while open is written again, by all who have it open, marks included', async () => {
  const { timeline, disk, tab, open, stored } = aDevice()
  const early = await open(tab().stores, 'early')
  early.write('x', 1)
  await timeline.advance(10)
  await early.store.close()
  const [one, two] = [await open(tab().stores, 'one'), await open(tab().stores, 'two')]
  void one.store.remember({ epoch: 'e', revision: 1 })
  one.write('1', 1)
  two.write('2', 1)
  await timeline.advance(10)
  two.write('3', 2)
  disk.clear()
  expect(stored()).toBeNull()
  await timeline.advance(20)
  expect([...stored()!.text].sort()).toEqual(['1', '2', '3', 'x'])
  expect(stored()!.history).toEqual({ epoch: 'e', revision: 1 })
  expect([...stored()!.marks].sort()).toEqual([
    ['early', { from: 1, to: 1 }],
    ['one', { from: 1, to: 1 }],
    ['two', { from: 1, to: 2 }],
  ])
  expect([one.heard, two.heard]).toEqual([[], []])
})

test('[B6] a document that is deleted while it is open is lost for those who have it open', async () => {
  const { timeline, tab, open } = aDevice()
  const { heard, write } = await open(tab().stores, 'one')
  void tab().stores.delete('plan')
  await timeline.advance(10)
  expect(heard).toEqual(['lost local-storage-unavailable'])
  const outcome = write('x', 1)
  await timeline.advance(100_000)
  expect(outcome.stored).toBe(false)
})

test('[B6] [D2.1] the caretaker makes one row of many', async () => {
  const { timeline, disk, tab, open, stored } = aDevice()
  const { write, store } = await open(tab().stores, 'one')
  for (let position = 1; position <= 60; position++) write('x', position)
  await timeline.advance(10)
  expect(disk.current('n', 'plan')?.rows).toHaveLength(60)
  store.setCaretaker(true)
  await timeline.advance(10)
  expect(disk.current('n', 'plan')?.rows).toHaveLength(1)
  expect(stored()?.text).toBe('x'.repeat(60))
})
