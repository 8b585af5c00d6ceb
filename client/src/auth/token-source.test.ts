import { describe, expect, test } from 'vitest'
import { HandClock } from '../test-helpers/hand-clock.ts'
import { expiryOf } from './jwt.ts'
import { TokenSource } from './token-source.ts'

function jwt(claims: object): string {
  const part = (value: object) => {
    const bytes = String.fromCharCode(...new TextEncoder().encode(JSON.stringify(value)))
    return btoa(bytes).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
  }
  return `${part({ alg: 'HS256' })}.${part(claims)}.c2lnbmF0dXJl`
}

function sourceOf(clock: HandClock, make: () => string | Promise<string>) {
  let asked = 0
  const source = new TokenSource(() => {
    asked++
    return make()
  }, clock)
  return { source, asked: () => asked }
}

describe('[T1] a token is asked for as seldom as can be', () => {
  test('once, however many ask at the same time', async () => {
    const { source, asked } = sourceOf(new HandClock(), async () => 'token')
    expect(await Promise.all([source.get(), source.get(), source.get('old')])).toEqual(['token', 'token', 'token'])
    expect(asked()).toBe(1)
  })

  test('again shortly before it runs out, not while it travels', async () => {
    const clock = new HandClock(1_000_000)
    let exp = 1_060
    const { source, asked } = sourceOf(clock, () => jwt({ exp }))
    const first = await source.get()
    clock.advance(49_000)
    expect(await source.get()).toBe(first)
    exp = 2_000
    clock.advance(1_000)
    expect(await source.get()).not.toBe(first)
    expect(asked()).toBe(2)
  })

  test('a fresh token that looks expired is used: the clock of this device may be wrong', async () => {
    const { source, asked } = sourceOf(new HandClock(9_999_999_999_999), () => jwt({ exp: 1_060 }))
    expect(await source.get()).toBe(jwt({ exp: 1_060 }))
    expect(asked()).toBe(1)
  })

  test('one that the server would not have is not given again without asking', async () => {
    let token = 'a'
    const { source, asked } = sourceOf(new HandClock(), () => token)
    expect(await source.get()).toBe('a')
    token = 'b'
    expect(await source.get('a')).toBe('b')
    // somebody else has asked meanwhile
    expect(await source.get('a')).toBe('b')
    expect(asked()).toBe(2)
  })

  test('a provider that fails, gives no string or never answers is a failure with a code, and is asked again', async () => {
    const clock = new HandClock()
    const cause = new TypeError('fetch failed')
    let make: () => string | Promise<string> = () => Promise.reject(cause)
    const { source } = sourceOf(clock, () => make())
    await expect(source.get()).rejects.toMatchObject({ code: 'token-provider-failed', cause })
    make = () => undefined as unknown as string
    await expect(source.get()).rejects.toMatchObject({ code: 'token-provider-failed' })
    make = () => new Promise(() => {})
    const hanging = source.get()
    clock.advance(30_000)
    await expect(hanging).rejects.toMatchObject({ code: 'token-provider-failed' })
    make = () => 'token'
    expect(await source.get()).toBe('token')
    expect(clock.pending).toBe(0)
  })
})

describe('reading when a token runs out', () => {
  test('a JWT says it in seconds, others do not say', () => {
    expect(expiryOf(jwt({ exp: 12, name: 'Zoë 🌊' }))).toBe(12_000)
    for (const token of ['', 'opaque', 'a.b.c', 'a.b', jwt({}), jwt({ exp: '12' }), `x.${btoa('null')}.y`]) {
      expect(expiryOf(token)).toBeNull()
    }
  })
})
