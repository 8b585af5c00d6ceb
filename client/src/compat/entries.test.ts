import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { Entries } from './entries.ts'

const map = 'store'

class Device {
  readonly doc = new Y.Doc()
  readonly entries: Entries

  constructor(clientID: number) {
    this.doc.clientID = clientID
    this.entries = new Entries(this.doc, map)
  }

  meet(other: Device): void {
    Y.applyUpdate(other.doc, Y.encodeStateAsUpdate(this.doc, Y.encodeStateVector(other.doc)))
    Y.applyUpdate(this.doc, Y.encodeStateAsUpdate(other.doc, Y.encodeStateVector(this.doc)))
  }

  create(key: string, value: string, at: number): void {
    if (this.entries.get(key) === undefined) this.entries.create(key, value, at, null)
  }

  set(key: string, value: string | undefined): void {
    this.entries.write([[key, value]], null)
  }

  get all(): [string, unknown][] {
    return this.entries.keys().map((key) => [key, this.entries.get(key)])
  }
}

// whatever ids chance gives the replicas
const ids = [
  [1, 2],
  [2, 1],
] as const

describe('[P9] [D4.3] two devices that could not hear each other', () => {
  test.each(ids)('both created the entry: the first creation counts, on both (%i, %i)', (one, two) => {
    const [laptop, phone] = [new Device(one), new Device(two)]
    laptop.create('profile', 'later', 2_000)
    phone.create('profile', 'first', 1_000)
    laptop.meet(phone)
    expect([laptop.all, phone.all]).toEqual([[['profile', 'first']], [['profile', 'first']]])
  })

  test.each(ids)('at the same moment: the same one counts on both (%i, %i)', (one, two) => {
    const [laptop, phone] = [new Device(one), new Device(two)]
    laptop.create('profile', `by ${one}`, 1_000)
    phone.create('profile', `by ${two}`, 1_000)
    laptop.meet(phone)
    expect([laptop.all, phone.all]).toEqual([[['profile', 'by 1']], [['profile', 'by 1']]])
  })

  test.each(ids)('a default made on a fresh device never beats what somebody wrote (%i, %i)', (one, two) => {
    const [laptop, fresh] = [new Device(one), new Device(two)]
    fresh.create('profile', 'empty default', 1)
    laptop.create('profile', 'empty default', 2)
    laptop.set('profile', 'Ada, 1.70 m')
    fresh.meet(laptop)
    expect([laptop.all, fresh.all]).toEqual([[['profile', 'Ada, 1.70 m']], [['profile', 'Ada, 1.70 m']]])
    fresh.set('profile', undefined)
    fresh.meet(laptop)
    expect([laptop.all, fresh.all]).toEqual([[], []])
  })

  test('devices that create, set, delete and meet in any order end with the same entries, told to those who listen', () => {
    const act = fc.record({
      who: fc.nat({ max: 2 }),
      kind: fc.constantFrom('create', 'set', 'delete', 'meet'),
      key: fc.constantFrom('a', 'b:c'),
      with: fc.nat({ max: 2 }),
      at: fc.nat({ max: 5 }),
    })
    fc.assert(
      fc.property(fc.array(act, { maxLength: 40 }), fc.shuffledSubarray([1, 2, 3], { minLength: 3 }), (acts, ids) => {
        const devices = ids.map((id) => new Device(id))
        const told = devices.map(({ entries }) => {
          const known = new Map<string, unknown>()
          entries.listen((keys) => {
            for (const key of keys) known.set(key, entries.get(key))
          })
          return known
        })
        acts.forEach(({ who, kind, key, with: other, at }, index) => {
          const device = devices[who]!
          const value = `${kind} ${index}`
          if (kind === 'create') device.create(key, value, at)
          else if (kind === 'meet') device.meet(devices[other]!)
          else device.set(key, kind === 'set' ? value : undefined)
          if (kind === 'create') expect(device.entries.get(key)).toBeDefined()
          if (kind === 'set') expect(device.entries.get(key)).toBe(value)
          if (kind === 'delete') expect(device.entries.get(key)).toBeUndefined()
        })
        for (let round = 0; round < 2; round++) {
          for (const one of devices) for (const two of devices) one.meet(two)
        }
        for (const [index, device] of devices.entries()) {
          expect(device.all).toEqual(devices[0]!.all)
          const known = [...told[index]!].filter(([, value]) => value !== undefined)
          expect(new Map(known)).toEqual(new Map(device.all))
          // a new opening of the same document
          expect(new Entries(device.doc, map).keys()).toEqual(device.entries.keys())
        }
      }),
      { numRuns: 500 },
    )
  })
})

test('within a transaction of the app, what was just done is seen', () => {
  const device = new Device(1)
  device.doc.transact(() => {
    device.create('a', 'made', 1)
    expect(device.entries.get('a')).toBe('made')
    device.set('a', undefined)
    expect(device.entries.keys()).toEqual([])
    device.set('a', 'set')
    expect(device.entries.get('a')).toBe('set')
  })
  expect(device.all).toEqual([['a', 'set']])
})

test('[H1] [D4.5] creations that somebody else garbled are passed over', () => {
  const device = new Device(1)
  const created = device.doc.getMap(`${map}:created`)
  for (const [index, garbage] of [1, null, 'x', [], {}, { at: 'x', value: 1 }, { at: 1 }, new Y.Text()].entries()) {
    created.set(`${index}:a`, garbage)
  }
  created.set('no colon', { at: 1, value: 1 })
  expect(device.entries.get('a')).toBeUndefined()
  device.create('a', 'good', 9)
  expect(device.entries.get('a')).toBe('good')
})
