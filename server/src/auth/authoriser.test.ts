import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Clock, systemClock } from '@tidemark/shared'
import { base64url, exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { afterEach, describe, expect, test } from 'vitest'
import { createAuthoriser } from './authoriser.ts'
import { signToken } from './sign-token.ts'

const secret = 'a secret of thirty-two bytes, or more'
const otherSecret = 'another secret of thirty-two bytes...'
const now = Date.UTC(2026, 10, 21, 12)
const clock: Clock = { ...systemClock, now: () => now }
const second = 1000
const documents = { 'team-7/*': 'write', 'team-7/rules': 'read' } as const

function sign(
  payload: JWTPayload,
  key: string | CryptoKey = secret,
  header: { alg: string; kid?: string } = { alg: 'HS256' },
) {
  return new SignJWT(payload)
    .setProtectedHeader(header)
    .sign(typeof key === 'string' ? new TextEncoder().encode(key) : key)
}

const at = (seconds: number) => now / second + seconds
const bySecret = createAuthoriser({ mode: 'secret', secret }, clock)
const allowed = (token: string, name = 'team-7/plan') => bySecret.authorise(token, name)

describe('[T1] a token signed with the secret', () => {
  test('says who somebody is, what they may do here, and until when', async () => {
    const token = await sign({ sub: 'ada', name: 'Ada', documents, exp: at(60) })
    expect(await allowed(token)).toEqual({
      userId: 'ada',
      userName: 'Ada',
      tokenId: null,
      level: 'write',
      expiresAt: now + 60 * second,
    })
    expect(await allowed(token, 'team-7/rules')).toMatchObject({ level: 'read' })
  })

  test('may list its patterns, and need neither name nor end', async () => {
    for (const key of ['pattern', 'name']) {
      const token = await sign({ sub: 'ada', documents: [{ [key]: 'team-7/*', level: 'admin' }] })
      expect(await allowed(token)).toEqual({
        userId: 'ada',
        userName: null,
        tokenId: null,
        level: 'admin',
        expiresAt: null,
      })
    }
  })

  test('[S3] gives no access to what it does not name', async () => {
    const token = await sign({ sub: 'ada', documents })
    await expect(allowed(token, 'team-8/plan')).rejects.toMatchObject({ code: 'permission-denied' })
    await expect(allowed(await sign({ sub: 'ada' }))).rejects.toMatchObject({ code: 'permission-denied' })
  })

  test('ends on the second it says, and begins up to five seconds early', async () => {
    await expect(allowed(await sign({ sub: 'ada', documents, exp: at(0) }))).rejects.toMatchObject({
      code: 'token-expired',
    })
    await expect(allowed(await sign({ sub: 'ada', documents, exp: at(-9) }))).rejects.toMatchObject({
      code: 'token-expired',
    })
    expect(await allowed(await sign({ sub: 'ada', documents, exp: at(1) }))).toMatchObject({ level: 'write' })
    expect(await allowed(await sign({ sub: 'ada', documents, nbf: at(4) }))).toMatchObject({ level: 'write' })
    await expect(allowed(await sign({ sub: 'ada', documents, nbf: at(7) }))).rejects.toMatchObject({
      code: 'token-invalid',
    })
  })

  test('opens the administration only with admin on everything', async () => {
    const everything = await sign({ sub: 'ada', documents: { '*': 'admin' } })
    expect(await bySecret.authoriseAdmin(everything)).toMatchObject({ userId: 'ada', level: 'admin' })
    for (const documents of [{ '*': 'write' }, { 'team-7/*': 'admin' }] as const) {
      const token = await sign({ sub: 'ada', documents })
      await expect(bySecret.authoriseAdmin(token)).rejects.toMatchObject({ code: 'permission-denied' })
    }
    await expect(bySecret.authoriseAdmin('')).rejects.toMatchObject({ code: 'token-missing' })
  })

  test('made by signToken is accepted, and expires', async () => {
    const made = createAuthoriser({ mode: 'secret', secret }, systemClock)
    const token = await signToken(secret, { sub: 'ada', name: 'Ada', documents, expiresIn: '1h' })
    const access = await made.authorise(token, 'team-7/plan')
    expect(access).toMatchObject({ userId: 'ada', userName: 'Ada', level: 'write' })
    expect(access.expiresAt! - Date.now()).toBeGreaterThan(3595 * second)
    const over = await signToken(secret, { sub: 'ada', documents, expiresIn: -1 })
    await expect(made.authorise(over, 'team-7/plan')).rejects.toMatchObject({ code: 'token-expired' })
    for (const wrong of [
      signToken('short', { sub: 'ada', documents }),
      signToken(secret, { sub: '', documents }),
      signToken(secret, { sub: 'ada', documents: { 'team*': 'read' } }),
      signToken(secret, { sub: 'ada', documents, expiresIn: 'soon' }),
    ]) {
      await expect(wrong).rejects.toMatchObject({ code: 'configuration-invalid' })
    }
  })
})

describe('[S3] hostile and broken tokens', () => {
  const payload = { sub: 'ada', documents: { '*': 'admin' } }
  const part = (value: object) => base64url.encode(JSON.stringify(value))

  test.each<[string, () => Promise<string> | string]>([
    ['unsigned', () => new UnsecuredJWT(payload).encode()],
    ['unsigned, with "none" in capitals', () => `${part({ alg: 'NONE' })}.${part(payload)}.`],
    ['signed with another secret', () => sign(payload, otherSecret)],
    ['signed with another algorithm', () => sign(payload, secret, { alg: 'HS512' })],
    ['without its signature', async () => (await sign(payload)).replace(/[^.]*$/, '')],
    [
      'with another payload behind the signature',
      async () => {
        const [header, , signature] = (await sign({ sub: 'eve', documents: {} })).split('.')
        return `${header}.${part(payload)}.${signature}`
      },
    ],
    ['garbage', () => 'garbage'],
    ['dots', () => '..'],
    ['not text of a token', () => '\0\u{1F600}.\r\nHost: x.%00'],
    ['huge', async () => sign({ ...payload, padding: 'x'.repeat(20_000) })],
    ['a megabyte of garbage', () => 'e'.repeat(1_000_000)],
    ['without a person', () => sign({ documents: { '*': 'admin' } })],
    ['with an empty person', () => sign({ ...payload, sub: '' })],
    ['with a person that Postgres cannot keep', () => sign({ ...payload, sub: 'a\0da' })],
    ['with a person of half a character', () => sign({ ...payload, sub: 'ada\ud800' })],
    ['with an id that Postgres cannot keep', () => sign({ ...payload, jti: '\0' })],
    ['with a person of the wrong type', () => sign({ ...payload, sub: 7 as unknown as string })],
    ['with an unknown level', () => sign({ ...payload, documents: { '*': 'owner' } })],
    [
      'with a pattern that is none beside a wide one',
      () => sign({ ...payload, documents: { '*': 'admin', 'team*': 'read' } }),
    ],
    [
      'with two levels for one pattern',
      () =>
        sign({
          ...payload,
          documents: [
            { name: '*', level: 'read' },
            { name: '*', level: 'admin' },
          ],
        }),
    ],
    ['with text as documents', () => sign({ ...payload, documents: '*' })],
    ['with text as its end', () => sign({ ...payload, exp: '2099' as unknown as number })],
    [
      'with an unknown critical header',
      async () => {
        const key = new TextEncoder().encode(secret)
        const header = { alg: 'HS256', crit: ['exp'], exp: 1 }
        return new SignJWT(payload).setProtectedHeader(header).sign(key, { crit: { exp: true } })
      },
    ],
  ])('%s is refused', async (_, make) => {
    await expect(allowed(await make())).rejects.toMatchObject({ code: 'token-invalid' })
  })

  test('none at all is missing', async () => {
    await expect(allowed('')).rejects.toMatchObject({ code: 'token-missing' })
  })

  test('the refusal does not repeat the token', async () => {
    const token = await sign(payload, otherSecret)
    const failure = await allowed(token).catch((error: Error) => error)
    expect(JSON.stringify([String(failure), (failure as Error).cause])).not.toContain(token.slice(0, 20))
  })
})

describe('[S1] an open server', () => {
  const open = createAuthoriser({ mode: 'open' }, clock)

  test.each(['', 'anything', 'a.b.c', 'e'.repeat(100_000)])('takes %.20j', async (token) => {
    const anybody = { userId: 'anonymous', userName: null, tokenId: null, level: 'admin', expiresAt: null }
    expect(await open.authorise(token, 'plan')).toEqual(anybody)
    expect(await open.authoriseAdmin(token)).toEqual(anybody)
  })

  test('names people, and ends their time, by a token that nobody checked', async () => {
    const token = await sign({ sub: 'ada', name: 'Ada', exp: at(60) }, otherSecret)
    expect(await open.authorise(token, 'plan')).toEqual({
      userId: 'ada',
      userName: 'Ada',
      tokenId: null,
      level: 'admin',
      expiresAt: now + 60 * second,
    })
    const over = await sign({ sub: 'ada', exp: at(-1) }, otherSecret)
    await expect(open.authorise(over, 'plan')).rejects.toMatchObject({ code: 'token-expired' })
  })
})

describe('[T1] a token signed by a service with a key set', () => {
  const servers: Server[] = []
  afterEach(() => {
    for (const server of servers.splice(0)) server.close()
  })

  async function serve(answer: string): Promise<URL> {
    const server = createServer((_, response) => response.end(answer))
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`)
  }

  const payload = { sub: 'ada', documents, iss: 'https://id.example.org', aud: 'docs' }

  async function keySet(alg: string) {
    const pair = await generateKeyPair(alg)
    const url = await serve(JSON.stringify({ keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'one', alg }] }))
    return { pair, auth: { mode: 'jwks', url, issuer: payload.iss, audience: payload.aud } as const }
  }

  test.each(['RS256', 'PS256', 'ES256', 'EdDSA'])('%s is accepted', async (alg) => {
    const { pair, auth } = await keySet(alg)
    const token = await sign(payload, pair.privateKey, { alg, kid: 'one' })
    expect(await createAuthoriser(auth, clock).authorise(token, 'team-7/plan')).toMatchObject({
      userId: 'ada',
      level: 'write',
    })
  })

  test('one for another audience or issuer, or by another key, is refused', async () => {
    const { pair, auth } = await keySet('ES256')
    const stranger = await generateKeyPair('ES256')
    const header = { alg: 'ES256', kid: 'one' }
    for (const token of [
      await sign({ ...payload, aud: 'mail' }, pair.privateKey, header),
      await sign({ ...payload, iss: 'https://evil.example.org' }, pair.privateKey, header),
      await sign(payload, stranger.privateKey, header),
      await sign(payload, stranger.privateKey, { alg: 'ES256', kid: 'two' }),
    ]) {
      await expect(createAuthoriser(auth, clock).authorise(token, 'team-7/plan')).rejects.toMatchObject({
        code: 'token-invalid',
      })
    }
  })

  test('a public key does not serve as a secret', async () => {
    const pair = await generateKeyPair('RS256', { extractable: true })
    const jwk = await exportJWK(pair.publicKey)
    const url = await serve(JSON.stringify({ keys: [{ ...jwk, kid: 'one' }] }))
    const authoriser = createAuthoriser({ mode: 'jwks', url, issuer: null, audience: null }, clock)
    for (const key of [await exportSPKI(pair.publicKey), JSON.stringify(jwk), jwk.n!]) {
      const token = await sign(payload, key, { alg: 'HS256', kid: 'one' })
      await expect(authoriser.authorise(token, 'team-7/plan')).rejects.toMatchObject({ code: 'token-invalid' })
    }
  })

  test.each(['<html>not keys</html>', '{"keys":7}', ''])(
    '[R5.1] a key set that answers %j lets the client come back',
    async (answer) => {
      const url = await serve(answer)
      const authoriser = createAuthoriser({ mode: 'jwks', url, issuer: null, audience: null }, clock)
      const { privateKey } = await generateKeyPair('ES256')
      const token = await sign(payload, privateKey, { alg: 'ES256', kid: 'one' })
      await expect(authoriser.authorise(token, 'team-7/plan')).rejects.toMatchObject({ code: 'server-busy' })
    },
  )

  test('[R5.1] so does one that is away', async () => {
    const url = await serve('')
    await new Promise((resolve) => servers.pop()!.close(resolve))
    const authoriser = createAuthoriser({ mode: 'jwks', url, issuer: null, audience: null }, clock)
    const { privateKey } = await generateKeyPair('ES256')
    const token = await sign(payload, privateKey, { alg: 'ES256', kid: 'one' })
    await expect(authoriser.authorise(token, 'team-7/plan')).rejects.toMatchObject({ code: 'server-busy' })
  })
})
