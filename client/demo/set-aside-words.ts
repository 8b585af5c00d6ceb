import type { Comparison, SetAsideCopy } from '@tidemark/client/set-aside'
import type { Question } from './confirm.ts'

/** What the page says about copies that were set aside. Plain words, for somebody who has never heard of a history. */

export type Reason = SetAsideCopy['reason']
type Copy = Pick<SetAsideCopy, 'reason' | 'at' | 'pendingCount'>

export function badgeOf(count: number): string {
  return count === 1 ? '1 copy set aside' : `${count} copies set aside`
}

export type Notice = { readonly title: string; readonly text: string }

/** @param isKept it survives the tab */
export function noticeOf({ reason, pendingCount }: Copy, isKept: boolean): Notice {
  const place = isKept ? 'is kept on this device' : 'is kept in this page, until you close it'
  const unsaved = pendingCount === 0 ? '' : ` It holds ${neverSaved(pendingCount)}.`
  switch (reason) {
    case 'epoch-mismatch':
      return {
        title: 'The server’s copy of this document was replaced.',
        text: `You see what the server has now. Your copy was set aside: it ${place}, and nothing of it was mixed in.${unsaved}`,
      }
    case 'discarded':
      return {
        title: 'Your changes were set aside.',
        text: `You see what the server has. The copy with your changes ${place}.${unsaved}`,
      }
  }
}

/** One line for each copy in the list. */
export function copyWords(copy: Copy, at: (time: number) => string): { readonly when: string; readonly why: string } {
  const why = copy.reason === 'epoch-mismatch' ? 'the server’s copy was replaced' : 'you set your changes aside'
  const unsaved = copy.pendingCount === 0 ? 'everything in it was saved' : neverSaved(copy.pendingCount)
  return { when: at(copy.at), why: `${why}; ${unsaved}` }
}

/** What the comparison found, in one sentence. */
export function comparisonWords(comparisons: readonly Comparison[]): string {
  if (comparisons.every(({ same }) => same)) return 'The copy and the document are the same.'
  const count = (of: 'copy' | 'document') =>
    comparisons.flatMap(({ difference }) => difference.flatMap((run) => (run.of === of ? run.parts : []))).length
  const [copy, document] = [count('copy'), count('document')]
  if (copy + document === 0) return 'The words are the same; only their format differs.'
  return `${lines(copy)} only in the copy, ${lines(document)} only in the document.`
}

/** @param isOneHistory the copy and the document have edits in common */
export function mergeQuestion(isOneHistory: boolean, merged: string): Question {
  return {
    title: 'Merge the copy into this document?',
    text: isOneHistory
      ? 'What the copy has more is added at its place, and what was deleted in it is deleted. Everybody who has the document open sees it at once.'
      : 'The document was written anew, so what both have cannot be recognised as the same: both versions will stand in the text, one after the other. Everybody who has the document open sees it at once.',
    action: 'Merge',
    preview: { label: 'The document would then read:', text: merged },
  }
}

export function deleteQuestion({ pendingCount }: Copy): Question {
  const unsaved = pendingCount === 0 ? '' : ` It holds ${neverSaved(pendingCount)}.`
  return {
    title: 'Delete this copy?',
    text: `It is deleted from this device, and there is no way back.${unsaved} The document stays as it is.`,
    action: 'Delete the copy',
    isDestructive: true,
  }
}

/** Before the edits that the server refuses are set aside. */
export function discardQuestion(pendingCount: number, isKept: boolean): Question {
  const what = pendingCount === 1 ? 'The change that is not saved' : `The ${pendingCount} changes that are not saved`
  const place = isKept ? 'on this device' : 'in this page, until you close it'
  return {
    title: 'Discard your changes?',
    text: `You then see what the server has. ${what} will not be sent; a copy with them is set aside ${place}: you can still read it and copy from it.`,
    action: 'Discard my changes',
  }
}

function lines(count: number): string {
  return count === 0 ? 'none' : count === 1 ? '1 line' : `${count} lines`
}

function neverSaved(count: number): string {
  return count === 1 ? '1 edit that was never saved' : `${count} edits that were never saved`
}
