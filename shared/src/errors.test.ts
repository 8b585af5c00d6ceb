import { expect, test } from 'vitest'
import { consequenceOf, errorCodes, errorSentences, isPersistent, TidemarkError } from './errors.ts'

test('[R5.1] every code has a consequence and a sentence that says what to do', () => {
  for (const code of errorCodes) {
    expect(['retry', 'reauthenticate', 'needs-person', 'fatal']).toContain(consequenceOf(code))
    expect(errorSentences[code]).toMatch(/^[A-Z].*\.$/)
  }
})

test('[H4] no network, refusal, authentication and storage are told apart', () => {
  const codes = ['network-offline', 'permission-denied', 'token-expired', 'storage-unavailable'] as const
  expect(new Set(codes.map((code) => errorSentences[code])).size).toBe(4)
  expect(codes.map(isPersistent)).toEqual([false, true, false, false])
})

test('[R5] an error carries its code, its cause and what to do', () => {
  const cause = new Error('disk full')
  const error = new TidemarkError('local-storage-full', undefined, { cause })
  expect(error).toMatchObject({ code: 'local-storage-full', persistent: true, consequence: 'needs-person', cause })
  expect(error.message).toContain('out of space')
})
