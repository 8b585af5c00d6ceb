/** What the device says about its network. It is a hint: only an attempt shows whether the server can be reached. */
export interface Network {
  /** False only when the device is sure that there is none. */
  readonly mayBeOnline: boolean
  /** @returns a function that stops listening */
  listen(on: { online(): void; offline(): void }): () => void
}

export const browserNetwork: Network = {
  get mayBeOnline() {
    return globalThis.navigator?.onLine !== false
  },
  listen({ online, offline }) {
    if (typeof globalThis.addEventListener !== 'function') return () => {}
    globalThis.addEventListener('online', online)
    globalThis.addEventListener('offline', offline)
    return () => {
      globalThis.removeEventListener('online', online)
      globalThis.removeEventListener('offline', offline)
    }
  },
}
