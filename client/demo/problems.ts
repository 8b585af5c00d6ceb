import type { ErrorCode, TidemarkError } from '@tidemark/shared'
import type { OpenDocument } from './client-types.ts'
import type { ToastAction, Toasts } from './toast.ts'

/** What a person can do about a problem, beside dismissing it. */
type Remedy = 'retry' | 'sign-in' | 'reload' | 'none'

type Remedies = { readonly signIn: (() => void) | null }

/** Shows each persistent failure of a document as a toast, with its reason and what to do (H4). @returns the end of it */
export function bindProblems(tidemark: OpenDocument, toasts: Toasts, remedies: Remedies): () => void {
  /** Toasts that say why the document cannot be saved now; they go when it is. */
  const blocking = new Set<string>()
  // a status repeats its error with each edit; a toast that was dismissed should not come back for that
  let reported: TidemarkError | null = null

  const report = (error: TidemarkError) => {
    if (error === reported) return
    reported = error
    const key = keyOf(error.code)
    if (!isLasting(error.code)) blocking.add(key)
    const actions = actionsFor(remedyFor(error.code), tidemark, remedies)
    toasts.show({ key, title: titleOf(error.code), text: error.message, tone: 'problem', actions })
  }
  const onStatus = () => {
    const { status } = tidemark
    if (status.kind === 'error') {
      // what heals by itself is said by the indicator and the line beside it; a toast would only be in the way
      if (status.error.consequence !== 'retry') report(status.error)
    } else if (status.kind === 'saved') {
      for (const key of blocking) toasts.dismiss(key)
      blocking.clear()
      reported = null
    }
  }

  const ends = [
    tidemark.on('error', ({ error, persistent }) => {
      if (persistent) report(error)
    }),
    tidemark.on('status', onStatus),
  ]
  onStatus()
  return () => {
    for (const end of ends) end()
  }
}

// true also when everything else is saved
function isLasting(code: ErrorCode): boolean {
  return code === 'read-only' || code.startsWith('local-storage')
}

// a token that is missing, expired or refused is one problem to a person
function keyOf(code: ErrorCode): string {
  return remedyFor(code) === 'sign-in' ? 'sign-in' : code
}

function titleOf(code: ErrorCode): string {
  if (remedyFor(code) === 'sign-in') return 'Sign in to save'
  if (code === 'read-only') return 'Read only'
  if (code.startsWith('local-storage')) return 'Not kept on this device'
  return 'Not saved'
}

function remedyFor(code: ErrorCode): Remedy {
  switch (code) {
    case 'token-missing':
    case 'token-invalid':
    case 'token-expired':
    case 'token-provider-failed':
      return 'sign-in'
    case 'protocol-unsupported':
      return 'reload'
    case 'permission-denied':
    case 'origin-not-allowed':
    case 'host-not-allowed':
    case 'document-load-failed':
    case 'document-write-failed':
    case 'document-too-large':
    case 'message-too-large':
    case 'too-many-documents':
    case 'local-storage-full':
    case 'internal':
      return 'retry'
    default:
      return 'none'
  }
}

function actionsFor(remedy: Remedy, tidemark: OpenDocument, remedies: Remedies): readonly ToastAction[] {
  const retry = { label: 'Try again', testId: 'toast-retry', run: () => tidemark.retry() }
  switch (remedy) {
    case 'retry':
      return [retry]
    case 'sign-in':
      return remedies.signIn ? [{ label: 'Sign in again', testId: 'toast-sign-in', run: remedies.signIn }] : [retry]
    case 'reload':
      return [{ label: 'Reload the page', testId: 'toast-reload', run: () => location.reload() }]
    case 'none':
      return []
  }
}
