import { assertNever } from '@tidemark/shared'
import type { DocumentStatus } from './status.ts'
import { inTrueWords, noConnection } from './wording.ts'

/** How a status is shown: a colour, an icon and words, so that no one of them carries the meaning alone. */
export interface Indicator {
  readonly tone: 'yellow' | 'green' | 'red' | 'grey'
  readonly icon: 'syncing' | 'saved' | 'error' | 'offline' | 'opening'
  readonly label: 'Syncing…' | 'Saved' | 'Error' | 'Offline' | 'Opening…'
  /** A sentence for a tooltip, a screen reader or a line below. Plain text. */
  readonly detail: string
  /** What to offer the person: a button that calls `document.retry()`. */
  readonly action: 'Retry' | null
}

type Shown = Pick<Indicator, 'tone' | 'icon' | 'label'>

export function indicatorOf(status: DocumentStatus): Indicator {
  const shown = shownOf(status)
  const isOff = status.kind === 'offline' || status.kind === 'error'
  // no try heals a broken document: it has to be opened anew
  const isBroken = status.kind === 'error' && status.error.code === 'document-broken'
  const action = !isBroken && (isOff || status.attention) ? 'Retry' : null
  const detail = [detailOf(status), attentionDetail(status)].filter(Boolean).join(' ')
  const isUnsaved = status.attention && status.pendingCount > 0
  if (!isUnsaved || status.kind === 'error') return { ...shown, detail, action }
  // Edits have waited for long enough to say so in red (D3.4, D3.5); they are where they were.
  return status.attention?.kind === 'sync-failing'
    ? { ...error, detail, action }
    : { ...shown, tone: 'red', detail, action }
}

const error: Shown = { tone: 'red', icon: 'error', label: 'Error' }

function shownOf(status: DocumentStatus): Shown {
  switch (status.kind) {
    case 'loading':
      return { tone: 'grey', icon: 'opening', label: 'Opening…' }
    case 'offline':
      return { tone: 'grey', icon: 'offline', label: 'Offline' }
    case 'syncing':
      return { tone: 'yellow', icon: 'syncing', label: 'Syncing…' }
    case 'saved':
      return { tone: 'green', icon: 'saved', label: 'Saved' }
    case 'error':
      return error
    default:
      return assertNever(status)
  }
}

function detailOf(status: DocumentStatus): string {
  switch (status.kind) {
    case 'loading':
      return 'Opening the copy on this device.'
    case 'offline':
      return offlineDetail(status)
    case 'syncing':
      return status.pendingCount === 0 ? 'Checking with the server.' : `${edits(status)} on the way to the server.`
    case 'saved':
      return 'Everything is saved on the server.'
    case 'error':
      return inTrueWords(status.error, status.localStore.kind !== 'memory').message
    default:
      return assertNever(status)
  }
}

function offlineDetail(status: DocumentStatus & { kind: 'offline' }): string {
  const isKept = status.localStore.kind !== 'memory'
  const reason = status.error ? inTrueWords(status.error, isKept).message : noConnection(isKept)
  return status.pendingCount === 0 ? reason : `${reason} ${edits(status)} not on the server yet.`
}

function attentionDetail({ attention }: DocumentStatus): string {
  switch (attention?.kind) {
    case undefined:
      return ''
    case 'sync-failing':
      return `${attention.attempts} attempts in a row have failed since ${timeOf(attention.since)}.`
    case 'offline-long':
      return `There has been no connection since ${timeOf(attention.since)}.`
    default:
      return assertNever(attention)
  }
}

function timeOf(at: number): string {
  return new Date(at).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' })
}

function edits({ pendingCount }: DocumentStatus): string {
  return pendingCount === 1 ? '1 edit' : `${pendingCount} edits`
}
