import { describe, expect, it } from 'vitest'
import { pathOf, routeOf } from './route.ts'

describe('[C5] two people meet at an address', () => {
  it.each(['welcome', 'team-7/plan', 'Plän für Mai', 'a?b#c', '100%', 'x:y@z', 'emoji 🌊/2'])('%s has one', (name) => {
    const url = new URL(pathOf(name), 'http://127.0.0.1:4321')
    expect(url.search + url.hash).toBe('')
    expect(routeOf(url.pathname)).toEqual({ kind: 'document', name })
  })

  it('the bare address is the welcome document', () => {
    expect(routeOf('/')).toEqual({ kind: 'document', name: 'welcome' })
  })

  it.each([
    '/d/',
    '/d/a//b',
    '/d/a/',
    '/d/a%2Fb',
    '/d/%E0%A4%A',
    '/d/a%00b',
    '/d/%20',
    `/d/${'x'.repeat(513)}`,
    '/elsewhere',
  ])('%s is no document, and says so', (path) => {
    expect(routeOf(path).kind).toBe('invalid')
  })
})
