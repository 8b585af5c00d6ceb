import type { TidemarkError } from '@tidemark/shared'
import type { OpenDocument } from './client-types.ts'
import type { Confirm } from './confirm.ts'
import { problemOf, type Remedy } from './problem-words.ts'
import { discardQuestion } from './set-aside-words.ts'
import type { ToastAction, Toasts } from './toast.ts'

type Remedies = {
  readonly signIn: (() => void) | null
  readonly confirm: Confirm
}

/** A history that was replaced makes the page open the document anew; only if that takes longer is it a problem; in ms. */
const patienceWithHistory = 4000

/** Shows each persistent failure of a document as a toast, with its reason and what to do (H4). @returns the end of it */
export function bindProblems(tidemark: OpenDocument, toasts: Toasts, remedies: Remedies): () => void {
  /** Toasts that say why the document cannot be saved now; they go when it is. */
  const blocking = new Set<string>()
  // a status repeats its error with each edit; a toast that was dismissed should not come back for that
  let reported: TidemarkError | null = null
  let patience: ReturnType<typeof setTimeout> | undefined

  const report = (error: TidemarkError) => {
    if (error === reported) return
    reported = error
    // the person has just set the copy aside, or the document is broken: the page is about to open it anew
    if (error.code === 'document-closed' || error.code === 'document-broken') return
    if (error.code === 'epoch-mismatch') {
      patience ??= setTimeout(() => show(error), patienceWithHistory)
      return
    }
    show(error)
  }
  const show = (error: TidemarkError) => {
    const { key, title, text, remedies: which, isLasting } = problemOf(error)
    if (!isLasting) blocking.add(key)
    const actions = which.map((remedy) => actionFor(remedy, tidemark, toasts, remedies))
    toasts.show({ key, title, text, tone: 'problem', actions })
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
    clearTimeout(patience)
    for (const end of ends) end()
  }
}

function actionFor(remedy: Remedy, tidemark: OpenDocument, toasts: Toasts, { signIn, confirm }: Remedies): ToastAction {
  const retry = { label: 'Try again', testId: 'toast-retry', run: () => tidemark.retry() }
  switch (remedy) {
    case 'retry':
      return retry
    case 'sign-in':
      return signIn ? { label: 'Sign in again', testId: 'toast-sign-in', run: signIn } : retry
    case 'reload':
      return { label: 'Reload the page', testId: 'toast-reload', run: () => location.reload() }
    case 'discard':
      return {
        label: 'Discard my changes…',
        testId: 'toast-discard',
        keepsToast: true,
        run: () => void discard(tidemark, toasts, confirm),
      }
  }
}

/** Nothing is lost by it: the copy with the edits is set aside. The page hears of that, and opens the document anew. */
async function discard(tidemark: OpenDocument, toasts: Toasts, confirm: Confirm): Promise<void> {
  const isKept = tidemark.status.localStore.kind === 'indexeddb'
  if (!(await confirm.ask(discardQuestion(tidemark.pendingCount, isKept)))) return
  try {
    await tidemark.setAside()
  } catch (error) {
    const text = error instanceof Error ? error.message : 'Try again.'
    toasts.show({ key: 'set-aside', title: 'Your changes could not be set aside', text, tone: 'problem', actions: [] })
  }
}
