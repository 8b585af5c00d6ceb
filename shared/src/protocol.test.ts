import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { decodeAuthField } from './auth-envelope.ts'
import {
  type AuthEnvelope,
  decodeServerMessage,
  encodeAuthEnvelope,
  encodeServerMessage,
  errorCodeFromReason,
  protocolVersion,
  type ServerMessage,
} from './protocol.ts'

test('the wire format changes only together with its version', async () => {
  const files = ['./auth-envelope.ts', './protocol.ts'].map((name) => readFile(new URL(name, import.meta.url), 'utf8'))
  const source = (await Promise.all(files)).join('\n')
  const shapes = [...source.matchAll(/const \w+Schema[ :][\s\S]*?\n(?=\n|\/\*\*)/g)].map(([text]) => text).join('\n')
  expect(shapes).toContain('hello')
  const hash = createHash('sha256')
    .update(shapes.replace(/\/\*\*[\s\S]*?\*\//g, '').replace(/\s+/g, ' '))
    .digest('hex')
  // A field that may be absent, and that whoever does not know it may pass over, needs no new version; say it in the docs.
  // Changed the shapes? Raise protocolVersion, say in docs/protocol.md what old clients and servers do, then put the new hash.
  expect({ protocolVersion, hash: hash.slice(0, 16) }).toEqual({ protocolVersion: 1, hash: '34b7cffc41ca46ce' })
})

test('an envelope is read back as it was written; a stock token stays bare', () => {
  const envelope: AuthEnvelope = { protocol: 1, token: 'a.b.c', epoch: 'e', revision: 3, version: '0.1.0' }
  expect(decodeAuthField(encodeAuthEnvelope(envelope))).toEqual(envelope)
  expect(decodeAuthField('a.b.c')).toEqual({ protocol: 0, token: 'a.b.c' })
  expect(decodeAuthField('')).toEqual({ protocol: 0, token: '' })
})

test.each(['tidemark/1 ', 'tidemark/1 {', 'tidemark/1 {"protocol":1}', 'tidemark/1 {"protocol":1,"token":7}'])(
  'an envelope that is none is refused, not taken for a token: %s',
  (field) => {
    expect(decodeAuthField(field)).toBeNull()
  },
)

test('server messages are read back as they were written', () => {
  const messages: ServerMessage[] = [
    { tidemark: 'hello', protocol: 1, epoch: 'e', revision: 0, level: 'read', serverVersion: '1' },
    { tidemark: 'error', code: 'read-only', message: 'no' },
    { tidemark: 'recovered', code: 'storage-unavailable' },
  ]
  for (const message of messages) expect(decodeServerMessage(encodeServerMessage(message))).toEqual(message)
})

test("an app's own stateless messages are not ours", () => {
  for (const payload of [
    '',
    'hi',
    '{}',
    '[]',
    'null',
    '{"tidemark":"else"}',
    '{"tidemark":"constructor"}',
    '{"tidemark":"hello","protocol":1}',
    '{"tidemark":"error","code":"nonsense","message":""}',
  ]) {
    expect(decodeServerMessage(payload)).toBeNull()
  }
})

test("a foreign server's words are no code", () => {
  expect(errorCodeFromReason('read-only', 'permission-denied')).toBe('read-only')
  expect(errorCodeFromReason('go away', 'permission-denied')).toBe('permission-denied')
})
