import { describe, expect, it } from 'vitest'
import { hrefFrom, isSafeHref, mayBecomeLink } from './safe-href.ts'

describe('[S5] a link leads to the web or to a mailbox, and runs nothing', () => {
  it.each([
    ['https://example.org/a?b=c', 'https://example.org/a?b=c'],
    ['example.org', 'https://example.org/'],
    ['localhost:8080/x', 'https://localhost:8080/x'],
    [' ann@example.org ', 'mailto:ann@example.org'],
    ['mailto:ann@example.org', 'mailto:ann@example.org'],
  ])('%s becomes %s', (typed, href) => {
    expect(hrefFrom(typed)).toBe(href)
    expect(isSafeHref(hrefFrom(typed))).toBe(true)
  })

  it.each([
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'java\nscript:alert(1)',
    '\u0001javascript:alert(1)',
    'data:text/html,<script>alert(1)</script>',
    'vbscript:x',
    'file:///etc/passwd',
    'blob:https://example.org/1',
    '/relative',
    '',
    null,
    { toString: () => 'https://example.org' },
  ])('%j in a document is no link', (href) => {
    expect(isSafeHref(href)).toBe(false)
  })

  it.each(['https://example.org', 'mailto:ann@example.org', 'example.org', 'example.org:8080/x', 'example.org/a:b'])(
    '%j may become a link',
    (text) => {
      expect(mayBecomeLink(text)).toBe(true)
    },
  )

  it.each([
    'javascript:1/alert(1)',
    'JavaScript:1/alert(1)',
    'java\nscript:1/alert(1)',
    '\tjavascript:1/alert(1)',
    '\u0001javascript:1/alert(1)',
    'vbscript:1/x',
    'data:1/x',
    'javascript:alert(1)',
    '',
  ])('%j may not', (text) => {
    expect(mayBecomeLink(text)).toBe(false)
  })

  it.each(['javascript:alert(1)', 'data:text/html,x', 'two words', '', 'https://'])(
    '%j cannot be typed as one',
    (typed) => {
      expect(hrefFrom(typed)).toBeNull()
    },
  )
})
