import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isDocumentName, parseDocumentName } from './document-name.ts'

describe('a document name', () => {
  test.each(['welcome', 'team-7/plan', 'Über uns', '日本語/メモ', 'a b', 'x'.repeat(512), 'v1.2', '...and more'])(
    'may be %j',
    (name) => {
      expect(isDocumentName(name)).toBe(true)
    },
  )

  test.each([
    '',
    ' ',
    ' padded ',
    'a\0b',
    'line\nbreak',
    '../secret',
    'a/../b',
    'a/./b',
    '/root',
    'folder/',
    'a//b',
    'a%2Fb',
    'a%2e%2e',
    'back\\slash',
    '\ud800',
    'x'.repeat(513),
    'ü'.repeat(257),
    'x'.repeat(10_000),
    null,
    7,
  ])('[R6.3] may not be %j', (name) => {
    expect(isDocumentName(name)).toBe(false)
    expect(() => parseDocumentName(name)).toThrow(expect.objectContaining({ code: 'document-name-invalid' }))
  })

  test('is judged without surprises for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (name) => {
        if (isDocumentName(name))
          expect(new URL(`http://h/d/${encodeURIComponent(name)}`).pathname).not.toContain('..//')
      }),
    )
  })
})
