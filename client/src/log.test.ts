import { TidemarkError } from '@tidemark/shared'
import { expect, test } from 'vitest'
import { logEntry } from './log.ts'

test('[P12] [R5.3] a log line has document, session, attempt and cause', () => {
  const error = new TidemarkError('connection-lost', undefined, { cause: new Error('closed with 1006') })
  expect(logEntry(error, { document: 'plan', session: 's1', attempt: 3 })).toEqual({
    level: 'warn',
    code: 'connection-lost',
    message: error.message,
    document: 'plan',
    session: 's1',
    attempt: 3,
    cause: 'Error: closed with 1006',
  })
})

test('[T3] [R10] no token gets into the log, whatever the app puts into its errors', () => {
  const token = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N'
  for (const text of [
    token,
    `GET /token?key=${token}`,
    `Bearer opaque-secret refused`,
    `at wss://h/sync?token=secret x`,
  ]) {
    const { cause } = logEntry(new TidemarkError('token-provider-failed', undefined, { cause: new Error(text) }), {})
    expect(cause).not.toMatch(/eyJ|secret/)
  }
})
