import type { SetAsideCopy } from '@tidemark/client/set-aside'
import { byId, setText } from './dom.ts'
import { createSetAsideDialog, type SetAsideNeeds } from './set-aside-dialog.ts'
import { badgeOf, noticeOf } from './set-aside-words.ts'

/**
 * Tells that a copy of this document was set aside, and leads to where the person decides about it (R9.5): a notice
 * when it has just happened, and a button for as long as there is one. @returns the end of it
 */
export function bindSetAside(needs: SetAsideNeeds & { readonly hasJustHappened: boolean }): () => void {
  const { client, tidemark } = needs
  const button = byId('set-aside-button', HTMLButtonElement)
  const notice = byId('set-aside-notice', HTMLElement)
  const ending = new AbortController()
  const { signal } = ending
  let isNews = needs.hasJustHappened

  const refresh = async () => {
    const all: readonly SetAsideCopy[] = await client.setAsideCopies().catch(() => [])
    if (signal.aborted) return
    const copies = all.filter(({ document }) => document === tidemark.name).sort((one, other) => other.at - one.at)
    const [newest] = copies
    button.hidden = !newest
    button.setAttribute('aria-label', `${badgeOf(copies.length)}: look at it`)
    setText(byId('set-aside-count', HTMLElement), badgeOf(copies.length))
    if (!newest) notice.hidden = true
    else if (isNews) show(newest)
    isNews = false
    dialog.update(copies)
  }
  const show = (copy: SetAsideCopy) => {
    const { title, text } = noticeOf(copy, tidemark.status.localStore.kind === 'indexeddb')
    setText(byId('set-aside-notice-title', HTMLElement), title)
    setText(byId('set-aside-notice-text', HTMLElement), text)
    notice.hidden = false
    // a region that appears with its words is not read out; words that come into one that is there are
    setText(byId('announcer', HTMLElement), `${title} ${text}`)
  }
  const dialog = createSetAsideDialog(needs, () => void refresh())
  const review = () => void refresh().then(dialog.open)

  button.addEventListener('click', review, { signal })
  byId('set-aside-review', HTMLButtonElement).addEventListener('click', review, { signal })
  const dismiss = () => {
    notice.hidden = true
    byId('document', HTMLElement).focus()
  }
  byId('set-aside-dismiss', HTMLButtonElement).addEventListener('click', dismiss, { signal })
  // another tab may have decided meanwhile
  document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && void refresh(), {
    signal,
  })
  // not before the document is there: to list copies reads what is kept on this device
  void tidemark.whenLoaded.then(refresh)

  return () => {
    ending.abort()
    dialog.close()
    button.hidden = true
    notice.hidden = true
  }
}
