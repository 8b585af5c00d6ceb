import { describe, expect, test } from 'vitest'
import { createNetworkPolicy } from './network-policy.ts'

function policy(config: { host?: string; allowedHosts?: string[]; allowedOrigins?: string[] } = {}, port = 4321) {
  return createNetworkPolicy({
    config: { host: '127.0.0.1', allowedHosts: [], allowedOrigins: [], ...config },
    port: () => port,
    addresses: () => ['127.0.0.1', '192.168.1.5', 'fe80::1'],
  })
}

describe('[S2] names that the server answers under', () => {
  test.each(['127.0.0.1:4321', 'localhost:4321', 'LocalHost:4321', '[::1]:4321', 'localhost.:4321'])(
    'on a laptop: %s',
    (host) => expect(policy().isHostAllowed(host)).toBe(true),
  )

  test.each([
    undefined,
    '',
    'localhost',
    'localhost:80',
    '127.0.0.1:43210',
    'evil.example:4321',
    'localhost.evil.example:4321',
    '127.0.0.1.evil.example:4321',
    'localhost:4321@evil.example',
    'evil.example#localhost:4321',
    '127.0.0.1:4321, evil.example',
    '0x7f.1:4321',
    '2130706433:4321',
    '192.168.1.5:4321',
    'localhost:4321/',
    ' localhost:4321',
    `${'a'.repeat(400)}:4321`,
    '.:4321',
    ':4321',
    '[::1:4321',
  ])('but not: %j', (host) => expect(policy().isHostAllowed(host)).toBe(false))

  test('its own addresses, when it listens on all of them', () => {
    const everywhere = policy({ host: '0.0.0.0' })
    for (const host of ['192.168.1.5:4321', '[fe80::1]:4321', 'localhost:4321'])
      expect(everywhere.isHostAllowed(host)).toBe(true)
    for (const host of ['192.168.1.6:4321', '192.168.1.5:80', 'evil.example:4321'])
      expect(everywhere.isHostAllowed(host)).toBe(false)
  })

  test('a name without a port, when it listens on 80', () => {
    expect(policy({}, 80).isHostAllowed('localhost')).toBe(true)
  })

  test('listed names: on every port, or on the one that is listed', () => {
    const listed = policy({ allowedHosts: ['docs.example.org', 'wiki.example.org:8443'] })
    for (const host of ['docs.example.org', 'docs.example.org:9000', 'DOCS.example.org', 'wiki.example.org:8443']) {
      expect(listed.isHostAllowed(host)).toBe(true)
    }
    for (const host of ['wiki.example.org', 'example.org', 'evil-docs.example.org', 'docs.example.org.evil.example']) {
      expect(listed.isHostAllowed(host)).toBe(false)
    }
  })
})

describe('[S2] pages that may connect', () => {
  test('a client that is no browser sends no origin, and passes', () => {
    expect(policy().isOriginAllowed(undefined, 'localhost:4321')).toBe(true)
  })

  test.each([
    ['http://localhost:4321', 'localhost:4321'],
    ['http://localhost:4321', '127.0.0.1:4321'],
    ['https://localhost:4321', 'localhost:4321'],
    ['http://[::1]:4321', '[::1]:4321'],
  ])("the server's own page at %s, asking %s", (origin, host) =>
    expect(policy().isOriginAllowed(origin, host)).toBe(true),
  )

  test.each([
    '',
    'null',
    'http://evil.example',
    'http://localhost:3000',
    'http://localhost',
    'http://evil.example:4321',
    'http://localhost:4321.evil.example',
    'http://localhost:4321@evil.example',
    'file://',
    'http://localhost:4321/',
    'ftp://localhost:4321',
  ])('but not %j', (origin) => expect(policy().isOriginAllowed(origin, 'localhost:4321')).toBe(false))

  test('behind a proxy: the page of the name that is asked, not another port of it', () => {
    const proxied = policy({ host: '0.0.0.0', allowedHosts: ['docs.example.org'] })
    expect(proxied.isOriginAllowed('https://docs.example.org', 'docs.example.org')).toBe(true)
    expect(proxied.isOriginAllowed('https://docs.example.org:9000', 'docs.example.org')).toBe(false)
    expect(proxied.isOriginAllowed('https://evil.example', 'evil.example')).toBe(false)
  })

  test('listed pages, and nothing that only looks like them', () => {
    const listed = policy({ allowedOrigins: ['https://app.example.org', 'capacitor://localhost'] })
    for (const origin of ['https://app.example.org', 'capacitor://localhost']) {
      expect(listed.isOriginAllowed(origin, 'localhost:4321')).toBe(true)
    }
    for (const origin of [
      'http://app.example.org',
      'https://app.example.org:444',
      'https://app.example.org.evil.example',
    ]) {
      expect(listed.isOriginAllowed(origin, 'localhost:4321')).toBe(false)
    }
  })
})
