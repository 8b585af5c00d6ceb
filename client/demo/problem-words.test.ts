import { errorCodes, TidemarkError } from '@tidemark/shared'
import { describe, expect, it } from 'vitest'
import { problemOf } from './problem-words.ts'

describe('[H4] a problem that stays has words and something to do', () => {
  it.each(errorCodes)('%s', (code) => {
    const problem = problemOf(new TidemarkError(code))
    expect(problem.title).toMatch(/^[A-Z].{5,}/)
    expect(problem.text).toMatch(/[.…]$/)
    expect(new Set(problem.remedies).size).toBe(problem.remedies.length)
  })

  it('[R5.4] an edit that the server refuses may be discarded', () => {
    for (const code of ['read-only', 'update-malformed', 'message-too-large', 'document-too-large'] as const) {
      expect(problemOf(new TidemarkError(code)).remedies, code).toContain('discard')
    }
  })

  it('a token that is missing, expired or refused is one problem; edits of somebody else are another', () => {
    const codes = ['token-missing', 'token-expired', 'token-invalid', 'token-provider-failed'] as const
    expect(new Set(codes.map((code) => problemOf(new TidemarkError(code)).key))).toEqual(new Set(['sign-in']))
    const mismatch = problemOf(new TidemarkError('account-mismatch'))
    expect(mismatch).toMatchObject({
      key: 'account-mismatch',
      title: 'Edits of another account',
      remedies: ['sign-in'],
    })
  })

  it('[R2.4] [D2.2] a device that is full: closing the tab may lose edits, and that is said', () => {
    expect(problemOf(new TidemarkError('local-storage-full'))).toMatchObject({
      text: expect.stringMatching(/only in this tab.*Closing it may lose them/),
      isLasting: true,
    })
  })
})
