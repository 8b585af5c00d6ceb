import { TidemarkError } from '@tidemark/shared'
import { describe, expect, test } from 'vitest'
import { type Setting, settings } from './config/settings.ts'
import { configurationWarnings, parseConfig } from './config.ts'

const secret = 'a secret of thirty-two bytes, or more'

function problemOf(args: string[], env: Record<string, string> = {}): string {
  try {
    parseConfig(args, env)
  } catch (error) {
    expect(error).toBeInstanceOf(TidemarkError)
    expect(error).toMatchObject({ code: 'configuration-invalid' })
    return (error as TidemarkError).message
  }
  throw new Error('this configuration was accepted')
}

describe('[W1] where a value comes from', () => {
  test('nothing configured is a server for this machine, with the database in ./data', () => {
    expect(parseConfig([], {})).toEqual({
      host: '127.0.0.1',
      port: 4321,
      databaseUrl: null,
      dataFolder: './data',
      redisUrl: null,
      auth: { mode: 'open' },
      allowedHosts: [],
      allowedOrigins: [],
      trustedProxies: [],
      logLevel: 'info',
      limits: {
        messageBytes: 16 * 1024 * 1024,
        documentBytes: 128 * 1024 * 1024,
        documentsPerSocket: 500,
        sessionsPerDocument: 20,
        typeDepth: 500,
        presenceStateBytes: 16 * 1024,
        presenceStates: 100,
        valueDepth: 500,
        clientsPerDocument: 100_000,
        subdocuments: 2_000,
        waitingBytes: 64 * 1024,
        valueMembers: 100_000,
        updateParts: 1_000_000,
        sockets: 20_000,
        unauthenticatedSockets: 2000,
        socketsPerAddress: 5000,
        socketsPerUser: 500,
        sessionsPerUser: 10_000,
        messagesPerSecond: 2000,
        requestsPerSecond: 1_000,
        newSocketsPerSecond: 300,
        bytesPerSecond: 16 * 1024 * 1024,
        authenticationMs: 10_000,
        queuedBytes: 64 * 1024 * 1024,
        socketBufferBytes: 32 * 1024 * 1024,
        outgoingBytes: 512 * 1024 * 1024,
      },
      journal: { windowMs: 5 },
      snapshots: { debounceMs: 2000, maxDebounceMs: 10_000 },
      shutdownMs: 10_000,
    })
  })

  test('a flag goes before a variable, and a variable before the default', () => {
    const env = { PORT: '5000' }
    expect(parseConfig([], env).port).toBe(5000)
    expect(parseConfig(['--port', '6000'], env).port).toBe(6000)
    expect(parseConfig(['--port=0'], env).port).toBe(0)
  })

  test('an empty variable counts as not set, as compose files write it', () => {
    expect(parseConfig([], { DATABASE_URL: '', PORT: '', TIDEMARK_AUTH_JWKS_URL: '' })).toEqual(parseConfig([], {}))
  })

  test('every setting has a variable and a flag of its own, but no flag for a secret', () => {
    const all: Setting[] = Object.values(settings)
    expect(new Set(all.map((setting) => setting.variable)).size).toBe(all.length)
    const flags = all.flatMap((setting) => setting.flag ?? [])
    expect(new Set(flags).size).toBe(flags.length)
    expect(all.filter((setting) => setting.flag === null).map((setting) => setting.variable)).toEqual([
      'TIDEMARK_AUTH_SECRET',
    ])
  })
})

describe('[W1] values that are read', () => {
  test.each<[string[], Record<string, string>, object]>([
    [['--host', 'LOCALHOST'], {}, { host: 'localhost' }],
    [['--host', '[::1]'], {}, { host: '::1' }],
    [['--host', '0.0.0.0'], { TIDEMARK_AUTH_SECRET: secret }, { host: '0.0.0.0', auth: { mode: 'secret', secret } }],
    [['--data', '/var/lib/tidemark'], {}, { dataFolder: '/var/lib/tidemark' }],
    [
      [],
      { DATABASE_URL: 'postgres://me:pw@db/t?sslmode=require' },
      { databaseUrl: 'postgres://me:pw@db/t?sslmode=require' },
    ],
    [
      [],
      { DATABASE_URL: 'postgresql:///t?host=/run/postgresql' },
      { databaseUrl: 'postgresql:///t?host=/run/postgresql' },
    ],
    [[], { REDIS_URL: 'rediss://cache:6380' }, { redisUrl: 'rediss://cache:6380' }],
    [
      ['--auth-jwks-url', 'https://id.example.org/jwks', '--auth-audience', 'docs'],
      { TIDEMARK_AUTH_ISSUER: 'https://id.example.org/' },
      {
        auth: {
          mode: 'jwks',
          url: new URL('https://id.example.org/jwks'),
          issuer: 'https://id.example.org/',
          audience: 'docs',
        },
      },
    ],
    [
      [],
      { TIDEMARK_ALLOWED_HOSTS: 'Docs.example.org, 10.0.0.5:80,[::1]:9' },
      { allowedHosts: ['docs.example.org', '10.0.0.5:80', '[::1]:9'] },
    ],
    [
      [],
      { TIDEMARK_ALLOWED_ORIGINS: 'https://a.org/,capacitor://localhost' },
      { allowedOrigins: ['https://a.org', 'capacitor://localhost'] },
    ],
    [['--trusted-proxies', '10.0.0.5, fd00::/8'], {}, { trustedProxies: ['10.0.0.5', 'fd00::/8'] }],
    [['--log-level', 'silent'], {}, { logLevel: 'silent' }],
    [['--journal-window-ms', '0', '--shutdown-ms', '50'], {}, { journal: { windowMs: 0 }, shutdownMs: 50 }],
  ])('%j %j', (args, env, expected) => {
    expect(parseConfig(args, env)).toMatchObject(expected)
  })

  test('sizes have units', () => {
    const { limits } = parseConfig(['--limit-message-bytes', '1MiB', '--limit-document-bytes', '2048'], {
      TIDEMARK_LIMIT_QUEUED_BYTES: '1 GiB',
    })
    expect(limits).toMatchObject({ messageBytes: 1_048_576, documentBytes: 2048, queuedBytes: 1_073_741_824 })
  })
})

describe('[W1] a wrong value stops the start with its name, its problem and what to write', () => {
  test.each<[string[], Record<string, string>, RegExp]>([
    [['--port', 'abc'], {}, /--port \(PORT\).*"abc".*not a whole number.*Write a whole number from 0 to 65535/],
    [[], { PORT: '65536' }, /--port \(PORT\).*too large/],
    [['--port=-1'], {}, /not a whole number/],
    [['--host', 'a b'], {}, /--host \(HOST\).*Write an address/],
    [[], { DATABASE_URL: 'mysql://db' }, /DATABASE_URL.*postgres:\/\//],
    [[], { DATABASE_URL: 'db' }, /DATABASE_URL.*not a URL/],
    [[], { REDIS_URL: 'http://cache' }, /REDIS_URL.*redis:\/\//],
    [['--data', ' '], {}, /--data \(TIDEMARK_DATA\).*blank/],
    [[], { TIDEMARK_LOG_LEVEL: 'loud' }, /TIDEMARK_LOG_LEVEL.*Write one of fatal, error/],
    [[], { TIDEMARK_LIMIT_MESSAGE_BYTES: '5' }, /TIDEMARK_LIMIT_MESSAGE_BYTES.*too small.*1KiB/],
    [[], { TIDEMARK_LIMIT_MESSAGE_BYTES: '16 parsecs' }, /not a size/],
    [['--limit-sockets', '0'], {}, /--limit-sockets/],
    [['--journal-window-ms', '101'], {}, /too large.*0 to 100/],
    [['--snapshot-debounce-ms', '20000'], {}, /TIDEMARK_SNAPSHOT_MAX_DEBOUNCE_MS/],
    [[], { TIDEMARK_ALLOWED_HOSTS: 'https://docs.example.org' }, /without http:\/\//],
    [[], { TIDEMARK_ALLOWED_HOSTS: 'docs.example.org:70000' }, /TIDEMARK_ALLOWED_HOSTS/],
    [[], { TIDEMARK_ALLOWED_ORIGINS: 'docs.example.org' }, /https:\/\/app\.example\.org/],
    [[], { TIDEMARK_ALLOWED_ORIGINS: '*' }, /no \*/],
    [
      [],
      { TIDEMARK_TRUSTED_PROXIES: 'proxy.example.org' },
      /TIDEMARK_TRUSTED_PROXIES.*neither an address nor a network/,
    ],
    [[], { TIDEMARK_TRUSTED_PROXIES: '10.0.0.0/33' }, /neither an address nor a network/],
    [[], { TIDEMARK_ALLOWED_ORIGINS: 'https://docs.example.org/app' }, /no path/],
    [[], { TIDEMARK_AUTH_SECRET: '' }, /TIDEMARK_AUTH_SECRET.*empty/],
    [[], { TIDEMARK_AUTH_SECRET: `${secret}\n` }, /white space/],
    [[], { TIDEMARK_AUTH_ISSUER: 'me' }, /TIDEMARK_AUTH_JWKS_URL/],
    [[], { TIDEMARK_AUTH_SECRET: secret, TIDEMARK_AUTH_JWKS_URL: 'https://a.org/jwks' }, /one of them only/],
    [[], { TIDEMARK_AUTH_JWKS_URL: 'file:///etc/keys' }, /https:\/\//],
  ])('%j %j', (args, env, expected) => {
    expect(problemOf(args, env)).toMatch(expected)
  })

  test('a secret needs 32 bytes, and no message repeats it or a password', () => {
    expect(problemOf([], { TIDEMARK_AUTH_SECRET: 'hunter2' })).toMatch(/7 of at least 32 bytes/)
    for (const env of [
      { TIDEMARK_AUTH_SECRET: 'hunter2' },
      { DATABASE_URL: 'mysql://me:hunter2@db' },
      { REDIS_URL: 'http://:hunter2@cache' },
    ]) {
      expect(problemOf([], env as Record<string, string>)).not.toContain('hunter2')
    }
  })

  test('[S1] without a secret only a loopback address can be listened on', () => {
    for (const host of ['127.0.0.1', '127.8.8.8', '::1', 'localhost'])
      expect(parseConfig(['--host', host], {}).host).toBe(host)
    for (const host of ['0.0.0.0', '::', '192.168.1.5', 'docs.example.org', '127.0.0.1.example.org', '1.127.0.0']) {
      expect(problemOf(['--host', host])).toMatch(/TIDEMARK_AUTH_SECRET/)
    }
  })
})

describe('[W1] flags', () => {
  test.each<[string[], RegExp]>([
    [['--prot', '1'], /no flag --prot\. Did you mean --port\?/],
    [['--databse-url', 'x'], /Did you mean --database-url\?/],
    [['--colour-of-the-sky', 'blue'], /tidemark help/],
    [['--auth-secret', secret], /no flag --auth-secret/],
    [['5000'], /"5000" is not a flag/],
    [['-p', '5000'], /"-p" is not a flag/],
    [['--port'], /--port needs a value/],
    [['--port', '--host', 'localhost'], /--port needs a value/],
    [['--port', '1', '--port', '2'], /given twice/],
  ])('%j', (args, expected) => {
    expect(problemOf(args)).toMatch(expected)
  })
})

describe('what a person who starts the server is warned of', () => {
  const warnings = (args: string[], env: Record<string, string>) => configurationWarnings(parseConfig(args, env), env)

  test('[S1] an open server', () => {
    expect(warnings([], {})).toEqual([expect.stringContaining('TIDEMARK_AUTH_SECRET')])
    expect(warnings([], { TIDEMARK_AUTH_SECRET: secret })).toEqual([])
  })

  test('a misspelt variable', () => {
    const [, misspelt] = warnings([], { TIDEMARK_AUTH_SECRT: secret })
    expect(misspelt).toBe('TIDEMARK_AUTH_SECRT is not a setting. Did you mean TIDEMARK_AUTH_SECRET?')
  })

  test('Redis that is not used yet, keys without encryption, tokens for anybody', () => {
    const env = { REDIS_URL: 'redis://cache', TIDEMARK_AUTH_JWKS_URL: 'http://id.example.org/jwks' }
    expect(warnings([], env).join('\n')).toMatch(/encryption[\s\S]*TIDEMARK_AUTH_ISSUER[\s\S]*REDIS_URL/)
  })
})
