import type { ErrorCode, TidemarkError } from '@tidemark/shared'

/** What a person can do about a problem, beside dismissing it. */
export type Remedy = 'retry' | 'sign-in' | 'reload' | 'discard'

export type Problem = {
  /** One for each problem as a person sees it: a token that is missing, expired or refused is the same one. */
  readonly key: string
  readonly title: string
  readonly text: string
  readonly remedies: readonly Remedy[]
  /** It stays when everything is saved: it is true then, too. */
  readonly isLasting: boolean
}

export function problemOf(error: Pick<TidemarkError, 'code' | 'message'>): Problem {
  const { code } = error
  const remedies = remediesFor(code)
  return {
    key: remedies[0] === 'sign-in' && code !== 'account-mismatch' ? 'sign-in' : code,
    title: titleOf(code),
    text: code === 'local-storage-full' ? full : error.message,
    remedies,
    isLasting: code === 'read-only' || code.startsWith('local-storage'),
  }
}

const full =
  'This device is out of space, so your newest edits are only in this tab. Closing it may lose them: keep it open until the indicator says “Saved”.'

function titleOf(code: ErrorCode): string {
  switch (code) {
    case 'read-only':
      return 'Read only'
    case 'account-mismatch':
      return 'Edits of another account'
    case 'local-storage-key-wrong':
    case 'local-storage-corrupt':
    case 'local-storage-tampered':
    case 'local-storage-in-use':
      return 'The copy on this device'
    default:
      if (code.startsWith('local-storage')) return 'Not kept on this device'
      return remediesFor(code)[0] === 'sign-in' ? 'Sign in to save' : 'Not saved'
  }
}

function remediesFor(code: ErrorCode): readonly Remedy[] {
  switch (code) {
    case 'token-missing':
    case 'token-invalid':
    case 'token-expired':
    case 'token-revoked':
    case 'token-provider-failed':
    case 'account-mismatch':
      return ['sign-in']
    case 'protocol-unsupported':
    case 'document-broken':
      return ['reload']
    // the server has refused an edit: as long as it is there, nothing after it is saved
    case 'read-only':
    case 'update-malformed':
      return ['discard']
    case 'document-write-failed':
    case 'document-too-large':
    case 'message-too-large':
      return ['retry', 'discard']
    case 'permission-denied':
    case 'origin-not-allowed':
    case 'host-not-allowed':
    case 'document-load-failed':
    case 'too-many-documents':
    case 'local-storage-full':
    case 'internal':
      return ['retry']
    default:
      return []
  }
}
