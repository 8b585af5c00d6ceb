import type { SyncParts } from './parts.ts'

/** Sends now; in a tab that does not lead, the leader is asked to. */
export function flushNow({ means, tabs, link }: Pick<SyncParts, 'means' | 'tabs' | 'link'>): void {
  if (!tabs.isLeader) tabs.ask('flush')
  else {
    link.flush()
    means.socket.retryNow()
  }
}

/** Tries again what failed; in a tab that does not lead, the leader is asked to. */
export function retryNow({ standing, tabs, link }: Pick<SyncParts, 'standing' | 'tabs' | 'link'>): void {
  // what a person has mended in this tab
  tabs.setHelpless(false)
  if (!tabs.isLeader) tabs.ask('retry')
  else {
    standing.happened({ type: 'retried' })
    link.retry()
  }
}
