import { consequenceOf, type ErrorCode } from '@tidemark/shared'

/** What follows from a failure by itself: another try with a fresh token, another try later, or nothing. */
export type Recovery = 'fresh-token' | 'later' | 'none'

/** The server would not have the token. The first time that mostly means: it has run out, or was replaced. */
export function isAboutToken(code: ErrorCode): boolean {
  switch (code) {
    case 'token-expired':
    case 'token-invalid':
    case 'token-revoked':
    case 'token-missing':
      return true
    default:
      return false
  }
}

/** @param hasReauthenticated a fresh token was asked for already, and none has been accepted since */
export function recoveryFrom(code: ErrorCode, hasReauthenticated: boolean): Recovery {
  if (isAboutToken(code) && !hasReauthenticated) return 'fresh-token'
  // The app's token provider mostly fails because its own request did: worth another try, and worth saying so.
  return consequenceOf(code) === 'retry' || code === 'token-provider-failed' ? 'later' : 'none'
}
