import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { systemClock } from '@tidemark/shared'
import { describe, expect, test } from 'vitest'
import { createAuthoriser } from './auth/authoriser.ts'
import { explain } from './cli/start-failure.ts'
import { type Setting, settings } from './config/settings.ts'
import { version } from './version.ts'

const cli = fileURLToPath(new URL('cli.ts', import.meta.url))
const secret = 'a secret of thirty-two bytes, or more'

/** Runs `tidemark …` as a person does. */
function tidemark(args: string[], env: Record<string, string> = {}) {
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const options = { env: { PATH: process.env.PATH, ...env }, timeout: 20_000 }
    execFile(process.execPath, [cli, ...args], options, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr })
    })
  })
}

describe('tidemark token', () => {
  test('[T1] prints a token, and nothing else, that the server accepts', async () => {
    const grants = ['--document', 'team-7/*=write', '--document', 'team-7/rules=read']
    const args = ['token', '--sub', 'ada', '--name', 'Ada Lovelace', ...grants, '--expires', '30m']
    const { code, stdout, stderr } = await tidemark(args, { TIDEMARK_AUTH_SECRET: secret })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/)
    const access = await createAuthoriser({ mode: 'secret', secret }, systemClock).authorise(
      stdout.trim(),
      'team-7/rules',
    )
    expect(access).toMatchObject({ userId: 'ada', userName: 'Ada Lovelace', level: 'read' })
    expect(Math.round((access.expiresAt! - Date.now()) / 60_000)).toBe(30)
  })

  test('takes the secret from another variable', async () => {
    const args = [
      'token',
      '--secret-from-env',
      'MY_SECRET',
      '--sub',
      'ada',
      '--document',
      '*=admin',
      '--expires',
      'never',
    ]
    const { stdout } = await tidemark(args, { MY_SECRET: secret })
    const authoriser = createAuthoriser({ mode: 'secret', secret }, systemClock)
    expect(await authoriser.authoriseAdmin(stdout.trim())).toMatchObject({ expiresAt: null })
  })

  test.each<[string[], RegExp]>([
    [['--document', '*=read'], /--sub ada/],
    [['--sub', 'ada'], /--document 'team-7\/\*=write'/],
    [['--sub', 'ada', '--document', 'plan'], /not pattern=level/],
    [['--sub', 'ada', '--document', 'plan=owner'], /read, write, admin/],
    [['--sub', 'ada', '--document', 'team*=read'], /"team\*"/],
    [['--sub', 'ada', '--document', '*=read', '--expires', 'soon'], /such as 1h/],
    [['--sub', 'ada', '--document', '*=read', '--secret-from-env', secret], /is not set/],
    [['--sbu', 'ada'], /Did you mean --sub\?/],
  ])('[W1] %j says what to write', async (args, expected) => {
    const { code, stdout, stderr } = await tidemark(['token', ...args], { TIDEMARK_AUTH_SECRET: secret })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^tidemark: configuration-invalid: .*\n$/)
    expect(stderr).toMatch(expected)
    expect(stderr).not.toContain(secret)
  })
})

describe('tidemark help', () => {
  test('[W1] names every setting, with its flag, its variable and its default', async () => {
    const { stdout } = await tidemark(['serve', '--help'])
    for (const setting of Object.values<Setting>(settings)) {
      expect(stdout).toContain(
        setting.flag === null ? setting.variable : `--${setting.flag} <${setting.placeholder}>, ${setting.variable}`,
      )
      if (setting.default) expect(stdout).toContain(`Default: ${setting.default}.`)
    }
  })

  test('a command that does not exist is answered with the one that was meant', async () => {
    expect(await tidemark(['sevre'])).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('Did you mean serve?'),
    })
    expect(await tidemark(['toString'])).toMatchObject({ code: 1 })
    expect((await tidemark([])).stdout).toContain('tidemark serve')
    expect((await tidemark(['--version'])).stdout).toBe(`${version}\n`)
  })
})

describe('[W1] what a start fails of, in one line', () => {
  const system = (code: string, message: string) => Object.assign(new Error(message), { code })

  test.each<[Error, RegExp]>([
    [
      system('EADDRINUSE', 'listen EADDRINUSE: address already in use 127.0.0.1:4321'),
      /^configuration-invalid: .*--port \(PORT\)/,
    ],
    [system('EACCES', 'listen EACCES: permission denied 0.0.0.0:80'), /^configuration-invalid: .*1023/],
    [system('EACCES', "EACCES: permission denied, mkdir '/data'"), /^configuration-invalid: .*\/data.*--data/],
    [system('28P01', 'password authentication failed for user "me"'), /^storage-unavailable: .*password.*DATABASE_URL/],
    [new AggregateError([system('ECONNREFUSED', 'connect ECONNREFUSED ::1:5432')]), /^storage-unavailable: .*::1:5432/],
    [new Error('first line\nsecond line'), /^internal: .*first line$/],
  ])('%s', (error, expected) => expect(explain(error)).toMatch(expected))

  test('no password of a database', () => {
    expect(explain(new Error('cannot reach postgres://me:hunter2@db/x'))).not.toContain('hunter2')
  })
})
