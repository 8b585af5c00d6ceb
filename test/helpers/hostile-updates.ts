import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'

export interface HostileUpdate {
  what: string
  update: Uint8Array
  /** Whether nothing of it may be accepted; the others merely must not hurt. */
  refused: boolean
}

/** Updates that no honest Yjs client sends, by what is wrong with them. */
export function hostileUpdates(): HostileUpdate[] {
  const good = goodUpdate()
  return [
    { what: 'no bytes at all', update: new Uint8Array(), refused: true },
    { what: 'text instead of an update', update: new TextEncoder().encode('not an update'), refused: true },
    { what: 'an update cut in half', update: good.subarray(0, good.length >> 1), refused: true },
    { what: 'the other encoding (V2)', update: Y.convertUpdateFormatV1ToV2(good), refused: true },
    { what: 'a billion clients announced', update: announce(2 ** 30), refused: true },
    { what: 'a billion structs announced', update: structs({ count: 2 ** 30, clock: 0 }), refused: true },
    {
      what: 'a clock that no counter can hold',
      update: gc({ clock: 2 ** 53 - 2, length: 2 ** 53 - 1 }),
      refused: true,
    },
    { what: 'a struct that no reader knows', update: structs({ count: 1, clock: 0, info: 31 }), refused: true },
    { what: 'a struct of no length', update: gc({ clock: 0, length: 0 }), refused: true },
    { what: 'a deletion of no length', update: deleted(0, 0), refused: true },
    { what: 'a deleted range without an end', update: deleted(0, 2 ** 53 - 1), refused: false },
    { what: 'an item whose parent is far in the future', update: orphan(), refused: false },
    { what: 'a key that is a prototype', update: underKey('__proto__'), refused: false },
    { what: 'nesting ten thousand deep', update: nested(10_000), refused: true },
    { what: 'an embedded value a hundred thousand deep', update: embedded(deepJson(100_000)), refused: true },
    { what: 'an embedded value eight thousand deep', update: embedded(deepJson(8_000)), refused: true },
    { what: 'a thousand documents in one', update: documents(1_000), refused: true },
  ]
}

export function encoded(write: (encoder: encoding.Encoder) => void): Uint8Array {
  const encoder = encoding.createEncoder()
  write(encoder)
  return encoding.toUint8Array(encoder)
}

const hostileClient = 666

function goodUpdate(): Uint8Array {
  const doc = new Y.Doc()
  doc.getArray('hostile').push(['one', 'two', 'three'])
  doc.getArray('hostile').delete(1, 1)
  return Y.encodeStateAsUpdate(doc)
}

function announce(clients: number): Uint8Array {
  return encoded((encoder) => encoding.writeVarUint(encoder, clients))
}

function structs({ count, clock, info = 0 }: { count: number; clock: number; info?: number }): Uint8Array {
  return encoded((encoder) => {
    for (const number of [1, count, hostileClient, clock]) encoding.writeVarUint(encoder, number)
    encoding.writeUint8(encoder, info)
    encoding.writeVarUint(encoder, 1)
    encoding.writeVarUint(encoder, 0)
  })
}

/** One garbage-collected range. */
function gc({ clock, length }: { clock: number; length: number }): Uint8Array {
  return encoded((encoder) => {
    for (const number of [1, 1, hostileClient, clock]) encoding.writeVarUint(encoder, number)
    encoding.writeUint8(encoder, 0)
    encoding.writeVarUint(encoder, length)
    encoding.writeVarUint(encoder, 0)
  })
}

function deleted(clock: number, length: number): Uint8Array {
  return encoded((encoder) => {
    // no structs; one client with one deleted range
    for (const number of [0, 1, hostileClient, 1, clock, length]) encoding.writeVarUint(encoder, number)
  })
}

/** An item that hangs below one that nobody has. */
function orphan(): Uint8Array {
  return encoded((encoder) => {
    for (const number of [1, 1, hostileClient, 0]) encoding.writeVarUint(encoder, number)
    // a string item, with neither neighbour, whose parent is an id
    encoding.writeUint8(encoder, 4)
    encoding.writeVarUint(encoder, 0)
    encoding.writeVarUint(encoder, hostileClient + 1)
    encoding.writeVarUint(encoder, 2 ** 31)
    encoding.writeVarString(encoder, 'orphan')
    encoding.writeVarUint(encoder, 0)
  })
}

function underKey(key: string): Uint8Array {
  const doc = new Y.Doc()
  doc.getMap('hostile').set(key, { polluted: true })
  return Y.encodeStateAsUpdate(doc)
}

const deepJson = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)

/** Of JSON that no client could have written. */
function embedded(json: string): Uint8Array {
  return encoded((encoder) => {
    for (const number of [1, 1, hostileClient, 0]) encoding.writeVarUint(encoder, number)
    // an embed in a type of the document's own
    encoding.writeUint8(encoder, 5)
    encoding.writeVarUint(encoder, 1)
    encoding.writeVarString(encoder, 'embedded')
    encoding.writeVarString(encoder, json)
    encoding.writeVarUint(encoder, 0)
  })
}

function documents(count: number): Uint8Array {
  const doc = new Y.Doc()
  doc.getArray('documents').push(Array.from({ length: count }, () => new Y.Doc()))
  return Y.encodeStateAsUpdate(doc)
}

function nested(depth: number): Uint8Array {
  const doc = new Y.Doc()
  let parent = doc.getArray<unknown>('deep')
  doc.transact(() => {
    for (let level = 0; level < depth; level += 1) {
      const child = new Y.Array<unknown>()
      parent.push([child])
      parent = child
    }
  })
  return Y.encodeStateAsUpdate(doc)
}
