import type { TidemarkError } from '@tidemark/shared'
import type { Toast } from './toast.ts'

/** A document that breaks again within this time, in ms, is not opened a third time by the page itself. */
export const mendingPause = 30_000

export const openedAnewToast: Toast = {
  key: 'document-broken',
  title: 'The document was opened again',
  text: 'An error in this page stopped it from taking in changes. What you wrote is kept; have a look at your last words.',
  tone: 'news',
  actions: [],
}

export function brokenToast(error: TidemarkError): Toast {
  return {
    key: 'document-broken',
    title: 'This page cannot go on',
    text: `${error.message} It has happened twice in a short time, so the page does not try again by itself.`,
    tone: 'problem',
    actions: [{ label: 'Reload the page', testId: 'toast-reload', run: () => location.reload() }],
  }
}
