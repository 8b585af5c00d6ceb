import { TidemarkError } from '@tidemark/shared'
import { describe, expect, test } from 'vitest'
import { rerouteConsole } from './log/reroute-console.ts'
import { scrub } from './log/scrub.ts'
import { createLog, logFailure } from './log.ts'

const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl'

function recordingLog(level: 'info' | 'silent' = 'info') {
  const lines: string[] = []
  return { log: createLog(level, { write: (line) => lines.push(line) }), lines }
}

describe('[P12] [R5.3] a failure is one line', () => {
  test('with document, session, attempt and cause, and the causes of the cause', () => {
    const { log, lines } = recordingLog()
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
    const cause = new Error('the commit failed', { cause: refused })
    logFailure(log, { code: 'storage-unavailable', document: 'team-7/plan', session: 's-1', attempt: 3, cause })
    expect(lines).toHaveLength(1)
    expect(JSON.parse(lines[0]!)).toMatchObject({
      level: 'error',
      code: 'storage-unavailable',
      document: 'team-7/plan',
      session: 's-1',
      attempt: 3,
      cause: {
        type: 'Error',
        message: 'the commit failed',
        cause: { message: 'connect ECONNREFUSED', code: 'ECONNREFUSED' },
      },
      msg: expect.stringContaining('database'),
    })
    expect(lines[0]).toMatch(/"time":"\d{4}-.*Z"/)
    expect(lines[0]!.trimEnd()).not.toContain('\n')
  })

  test('what clients do wrong is a warning, what is wrong here an error', () => {
    const { log, lines } = recordingLog()
    logFailure(log, { code: 'token-expired' })
    logFailure(log, { code: 'internal', cause: 'not even an error' })
    expect(lines.map((line) => JSON.parse(line).level)).toEqual(['warn', 'error'])
  })

  test("a database error's details, which hold what people wrote, stay out", () => {
    const { log, lines } = recordingLog()
    const cause = Object.assign(new Error('duplicate key'), {
      code: '23505',
      detail: 'Key (name)=(my diary)',
      where: 'my diary',
    })
    logFailure(log, { code: 'document-write-failed', cause })
    expect(lines[0]).toContain('23505')
    expect(lines[0]).not.toContain('my diary')
  })

  test('a cause that is its own cause ends', () => {
    const { log, lines } = recordingLog()
    const cause = new TidemarkError('internal')
    Object.assign(cause, { cause })
    logFailure(log, { code: 'internal', cause })
    expect(lines).toHaveLength(1)
  })
})

describe('[T3] [R10] no token, password or query string reaches the log', () => {
  test.each([
    [`token ${jwt} refused`, jwt],
    [`{"headers":{"authorization":"Bearer opaque-123"}}`, 'opaque-123'],
    ['GET /y-websocket/plan?token=opaque-123 HTTP/1.1', 'opaque-123'],
    [`ws://localhost:4321/y-websocket/plan?a=b&token=${jwt}`, 'a=b'],
    ['connect to postgres://tidemark:hunter2@db:5432/x failed', 'hunter2'],
    ['redis://:hunter2@cache', 'hunter2'],
  ])('%s', (line, hidden) => expect(scrub(line)).not.toContain(hidden))

  test('what else is said stays', () => {
    const line =
      '{"level":"info","document":"team-7/plan?","time":"2026-11-21T10:00:00.000Z","msg":"open (is it?) = yes"}'
    expect(scrub(line)).toBe(line)
    expect(scrub('postgres://tidemark:hunter2@db:5432/x')).toBe('postgres://tidemark:[password]@db:5432/x')
  })

  test('in fields, in causes, and in what libraries write to the console', () => {
    const { log, lines } = recordingLog()
    log.info({ token: 'opaque-123', request: { headers: { authorization: 'opaque-123' } } }, 'asked')
    logFailure(log, { code: 'internal', cause: new Error(`bad url /y-websocket/plan?token=${jwt}`) })
    const restore = rerouteConsole(log)
    try {
      console.error('library:', new Error(`refused ${jwt}`))
      console.log('%s', { authorization: `Bearer ${jwt}` })
    } finally {
      restore()
    }
    expect(lines).toHaveLength(4)
    expect(lines.join('')).not.toMatch(/eyJ|opaque-123|token=/)
    expect(JSON.parse(lines[2]!)).toMatchObject({ level: 'error', from: 'console' })
  })

  test('silent is silent', () => {
    const { log, lines } = recordingLog('silent')
    logFailure(log, { code: 'internal' })
    expect(lines).toEqual([])
  })
})
