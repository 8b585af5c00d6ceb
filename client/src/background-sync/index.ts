export { type BackgroundSyncOptions, registerBackgroundSync } from './page.ts'
export { type BackgroundSyncHandling, handleBackgroundSync, type SyncScope } from './worker.ts'
