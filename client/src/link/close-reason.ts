import { closeCode, type ErrorCode, errorCodeFromReason, TidemarkError } from '@tidemark/shared'

/** What of a `CloseEvent` decides. */
export interface Closing {
  readonly code: number
  readonly reason: string
}

/** Our servers say an error code as the reason; other servers and proxies leave only the number. */
export function closingError(closing: Closing): TidemarkError {
  return new TidemarkError(errorCodeFromReason(closing.reason, codeOfNumber(closing.code)), undefined, {
    cause: new Error(`the WebSocket closed with code ${closing.code}`),
  })
}

function codeOfNumber(code: number): ErrorCode {
  switch (code) {
    case closeCode.serviceRestart:
      return 'server-restarting'
    case closeCode.tryAgainLater:
      return 'server-busy'
    case closeCode.messageTooLarge:
      return 'message-too-large'
    case closeCode.malformed:
      return 'message-malformed'
    case closeCode.unauthorised:
      return 'token-invalid'
    case closeCode.forbidden:
      return 'permission-denied'
    case closeCode.authenticationTimeout:
      return 'authentication-timeout'
    case closeCode.tokenExpired:
      return 'token-expired'
    default:
      return 'connection-lost'
  }
}
