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
}

export function indicatorOf(status: DocumentStatus): Indicator {
  switch (status.kind) {
    case 'loading':
      return { tone: 'grey', icon: 'opening', label: 'Opening…', detail: 'Opening the copy on this device.' }
    case 'offline':
      return { tone: 'grey', icon: 'offline', label: 'Offline', detail: offlineDetail(status) }
    case 'syncing':
      return { tone: 'yellow', icon: 'syncing', label: 'Syncing…', detail: syncingDetail(status.pendingCount) }
    case 'saved':
      return { tone: 'green', icon: 'saved', label: 'Saved', detail: 'Everything is saved on the server.' }
    case 'error':
      return { tone: 'red', icon: 'error', label: 'Error', detail: errorDetail(status) }
    default:
      return assertNever(status)
  }
}

function syncingDetail(count: number): string {
  return count === 0 ? 'Checking with the server.' : `${edits(count)} on the way to the server.`
}

function offlineDetail(status: DocumentStatus & { kind: 'offline' }): string {
  const isKept = status.localStore.kind !== 'memory'
  const reason = status.error ? inTrueWords(status.error, isKept).message : noConnection(isKept)
  return status.pendingCount === 0 ? reason : `${reason} ${edits(status.pendingCount)} not on the server yet.`
}

function errorDetail(status: DocumentStatus & { kind: 'error' }): string {
  return inTrueWords(status.error, status.localStore.kind !== 'memory').message
}

function edits(count: number): string {
  return count === 1 ? '1 edit' : `${count} edits`
}
