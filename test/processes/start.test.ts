import { get } from 'node:http'
import { describe, expect, test } from 'vitest'
import { ServerProcess } from '../helpers/server.ts'
import { secret } from '../helpers/tokens.ts'
import { within } from '../helpers/until.ts'
import { readEdits, Writer } from '../helpers/writer.ts'

describe('[B5] [W4] tidemark serve with nothing configured', () => {
  test('it says where it is, answers, keeps documents, and says that anybody may write', async () => {
    await using server = await ServerProcess.start({ isNewMachine: true })
    expect(server.stdout).toMatch(new RegExp(`^.*ready http://(127\\.0\\.0\\.1|localhost):${server.port}`, 'm'))
    expect((await fetch(`${server.http}/livez`)).status).toBe(200)
    expect((await fetch(`${server.http}/readyz`)).status).toBe(200)
    expect(server.output).toMatch(/TIDEMARK_AUTH_SECRET/)
    const writer = new Writer({ url: server.sync, document: 'plan' })
    await writer.synced()
    const edit = writer.write()
    await writer.drained()
    writer[Symbol.dispose]()
    expect(await readEdits({ url: server.sync, document: 'plan' })).toEqual([edit])
  })
})

describe('[R7.4] one data folder, one server', () => {
  test('a second server on the same folder refuses to start and says why; the first goes on', async () => {
    await using first = await ServerProcess.start()
    await using second = await ServerProcess.prepare({ dataFolder: first.dataFolder })
    second.launch()
    const exit = await within('the second server gives up', 15_000, second.exited)
    expect(exit.code).toBe(1)
    expect(second.output).toMatch(/data folder/i)
    expect(second.output).toContain('data-folder-in-use')
    expect(second.output).toContain(first.dataFolder)
    expect(second.output).not.toMatch(/^\s+at .*\.ts:\d+/m)

    using writer = new Writer({ url: first.sync, document: 'plan' })
    await writer.synced()
    writer.write()
    await writer.drained()
  })

  test('the folder of a server that was killed is free', async () => {
    await using first = await ServerProcess.start()
    await first.kill9()
    await using second = await ServerProcess.start({ dataFolder: first.dataFolder })
    expect((await fetch(`${second.http}/readyz`)).status).toBe(200)
  })
})

describe('[W1] [S1] a wrong value stops the start and says what to write', () => {
  test.each([
    { wrong: 'open to the network without a secret', env: { HOST: '0.0.0.0' }, names: 'HOST' },
    { wrong: 'open to the network over IPv6', env: { HOST: '::' }, names: 'HOST' },
    {
      wrong: 'a secret that can be guessed',
      env: { TIDEMARK_AUTH_SECRET: 'hunter2hunter2' },
      names: 'TIDEMARK_AUTH_SECRET',
    },
    { wrong: 'an empty secret', env: { TIDEMARK_AUTH_SECRET: '' }, names: 'TIDEMARK_AUTH_SECRET' },
    { wrong: 'a port that is no number', env: { PORT: 'http' }, names: 'PORT' },
    { wrong: 'a port that is none', env: { PORT: '65536' }, names: 'PORT' },
    {
      wrong: 'another kind of database',
      env: { DATABASE_URL: 'mysql://root:hunter2hunter2@db/x' },
      names: 'DATABASE_URL',
    },
    {
      wrong: 'an origin with a path',
      env: { TIDEMARK_ALLOWED_ORIGINS: 'https://app.example/x' },
      names: 'TIDEMARK_ALLOWED_ORIGINS',
    },
    {
      wrong: 'a limit that is no size',
      env: { TIDEMARK_LIMIT_MESSAGE_BYTES: 'much' },
      names: 'TIDEMARK_LIMIT_MESSAGE_BYTES',
    },
    { wrong: 'a flag that does not exist', env: {}, args: ['--prot', '80'], names: '--port' },
  ])('$wrong', async ({ env, args = [], names }) => {
    await using server = await ServerProcess.prepare({ env: env as Record<string, string>, args })
    server.launch()
    const exit = await within('it gives up', 10_000, server.exited)
    expect(exit.code).toBe(1)
    expect(server.output).toContain(names)
    expect(server.output).toContain('configuration-invalid')
    expect(server.output, 'no value that may be a secret is repeated').not.toContain('hunter2hunter2')
    expect(server.output, 'words for a person, not a stack').not.toMatch(/^\s+at .*\.ts:\d+/m)
  })

  test('flags win over the environment', async () => {
    await using server = await ServerProcess.prepare({ env: { PORT: '1' } })
    const args = ['--port', String(server.port)]
    await using told = await ServerProcess.start({ port: server.port, env: { PORT: '1' }, args })
    expect((await fetch(`${told.http}/livez`)).status).toBe(200)
  })
})

describe('[S2] who may ask', () => {
  test('a rebound DNS name is refused, over HTTP and for sockets; loopback names pass', async () => {
    await using server = await ServerProcess.start({ secret })
    expect(await statusFor(server, '/', { host: `evil.example:${server.port}` })).toBe(421)
    expect(await statusFor(server, '/livez', { host: `localhost:${server.port}` })).toBe(200)
    expect(await statusFor(server, '/livez', { host: `127.0.0.1:${server.port}` })).toBe(200)
  })
})

function statusFor(server: ServerProcess, path: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get({ port: server.port, host: '127.0.0.1', path, headers, agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode)
    }).once('error', reject)
  })
}
