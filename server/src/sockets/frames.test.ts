import { authType, encodeServerMessage, messageType, syncType } from '@tidemark/shared'
import * as fc from 'fast-check'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { type Block, spellItem, spellUpdate } from '../../../test/fuzz/grammar/spell.ts'
import { TooComplex } from '../documents/scan.ts'
import * as frames from './frames.ts'

function syncMessage(type: number, payload: Uint8Array): decoding.Decoder {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, type)
  encoding.writeVarUint8Array(encoder, payload)
  return decoding.createDecoder(encoding.toUint8Array(encoder))
}

function someUpdate(): Uint8Array {
  const doc = new Y.Doc()
  doc.getText('text').insert(0, 'hello')
  doc.getText('text').delete(1, 2)
  doc.getMap('map').set('key', { nested: [1, 2, 3] })
  return Y.encodeStateAsUpdate(doc)
}

const bounds = { atOnce: 1_000, mostAuthors: () => 2_000 }

test('an honest update is passed on as it is', () => {
  const update = someUpdate()
  expect(frames.readSyncMessage(syncMessage(syncType.update, update), bounds)).toMatchObject({ kind: 'write', update })
  expect(frames.readSyncMessage(syncMessage(syncType.step2, update), bounds)).toMatchObject({ kind: 'write', update })
})

test('[R6.3] an update that is cut short anywhere is refused', () => {
  const update = someUpdate()
  for (let length = 0; length < update.byteLength; length++) {
    expect(() => frames.readSyncMessage(syncMessage(syncType.update, update.subarray(0, length)), bounds)).toThrow()
  }
})

test('[R6.3] random bytes never get through as an update that Yjs cannot apply', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      let message: frames.SyncMessage | null = null
      try {
        message = frames.readSyncMessage(syncMessage(syncType.update, bytes), bounds)
      } catch {
        // refused: what it should be
      }
      if (message?.kind === 'write') Y.applyUpdate(new Y.Doc(), message.update)
    }),
    { numRuns: 5_000 },
  )
})

test('[R6.3] a clock beyond what can be counted is refused', () => {
  const doc = new Y.Doc()
  doc.getText('text').insert(0, 'x')
  const { ds } = Y.decodeUpdate(Y.encodeStateAsUpdate(doc))
  expect(ds.clients.size).toBe(0)
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, 0)
  encoding.writeVarUint(encoder, 1)
  encoding.writeVarUint(encoder, 7)
  encoding.writeVarUint(encoder, 1)
  encoding.writeVarUint(encoder, 2 ** 50)
  encoding.writeVarUint(encoder, 2 ** 50)
  expect(() => frames.readSyncMessage(syncMessage(syncType.update, encoding.toUint8Array(encoder)), bounds)).toThrow(
    'clock',
  )
})

test('[R6.3] an update in which a client comes twice is refused: Yjs would take one part and drop the other', () => {
  const [one, other] = [0, 1].map((clock) => ({
    ...{ client: 7, clock, count: 1 },
    structs: [
      spellItem({
        ...{ info: 4, origin: null, rightOrigin: null, parent: 'text', key: '' },
        content: (encoder) => encoding.writeVarString(encoder, 'x'),
      }),
    ],
  })) as [Block, Block]
  const read = (blocks: Block[]) =>
    frames.readSyncMessage(syncMessage(syncType.update, spellUpdate(blocks, new Map())), bounds)
  expect(() => read([one, other])).toThrow('twice')
  expect(() => read([one, { ...one, client: 6 }, other])).toThrow()
  expect(read([one, { ...other, client: 6, clock: 0 }])).toMatchObject({ kind: 'write' })
})

test('an address tells the document and the session of it', () => {
  expect(frames.parseAddress('team-7/plan')).toEqual({ documentName: 'team-7/plan', sessionId: null })
  expect(frames.parseAddress('team-7/plan\0k3x')).toEqual({ documentName: 'team-7/plan', sessionId: 'k3x' })
})

test('[R6.3] a type is one byte, and is there', () => {
  const address = frames.encodeAddress('plan')
  const header = (...type: number[]) => frames.readHeader(Uint8Array.of(...address, ...type))
  expect(header(messageType.auth, 1).type).toBe(messageType.auth)
  expect(() => header()).toThrow()
  // the same number, spelled longer: it could not be changed in its place
  expect(() => header(0x80 | messageType.auth, 0)).toThrow()
  expect(() => frames.readHeaderBehind(address, 'plan', address.byteLength)).toThrow()
})

test('what is written here is read back, whatever the address', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (address) => {
      expect(frames.typeOf(frames.statusFrame(address, false))).toBe(messageType.syncStatus)
      const status = frames.readHeader(frames.statusFrame(address, false))
      expect(status.address).toBe(address)
      expect(frames.readSyncStatus(status.decoder)).toBe(false)
      expect(frames.readDenial(frames.readHeader(frames.denialFrame(address, 'read-only')).decoder)).toBe('read-only')
      expect(frames.readTokenField(frames.readHeader(frames.tokenFrame(address, 'abc')).decoder)).toBe('abc')
      const message = { tidemark: 'recovered', code: 'storage-unavailable' } as const
      const stateless = frames.readHeader(frames.statelessFrame(address, message))
      expect(decoding.readVarString(stateless.decoder)).toBe(encodeServerMessage(message))
    }),
  )
})

test('[R6.4] a token that is longer than any is refused before it is decoded', () => {
  const field = (token: string) => {
    const encoder = encoding.createEncoder()
    encoding.writeVarUint(encoder, authType.token)
    encoding.writeVarString(encoder, token)
    return decoding.createDecoder(encoding.toUint8Array(encoder))
  }
  const long = 'x'.repeat(64 * 1024)
  expect(frames.readTokenField(field(long))).toBe(long)
  expect(() => frames.readTokenField(field(`${long}x`))).toThrow('65537 bytes')
  // so many are announced, and not there
  const announced = decoding.createDecoder(Uint8Array.of(authType.token, 255, 255, 255, 127, 0))
  expect(() => frames.readTokenField(announced)).toThrow('bytes')
})

test('[R6.45] a question that names more Yjs clients than the document may hold is not looked through', () => {
  const question = (clients: number) => {
    const vector = encoding.createEncoder()
    encoding.writeVarUint(vector, clients)
    for (let client = 0; client < 2 * clients; client++) encoding.writeVarUint(vector, client)
    return syncMessage(syncType.step1, encoding.toUint8Array(vector))
  }
  expect(frames.readSyncMessage(question(2_000), bounds)).toMatchObject({ kind: 'read' })
  expect(() => frames.readSyncMessage(question(2_001), bounds)).toThrow(TooComplex)
})
