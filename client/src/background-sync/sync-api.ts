/** The Background Sync API, which TypeScript's library does not know: not every browser has it. */
export interface SyncManager {
  register(tag: string): Promise<void>
}

export interface SyncRegistration {
  readonly sync?: SyncManager
}

export interface SyncEvent extends Event {
  readonly tag: string
  waitUntil(work: Promise<unknown>): void
}

export const defaultTag = 'tidemark'
