/** What the device says about its network. It is a hint: only an attempt shows whether the server can be reached. */
export interface Network {
  /** False only when the device is sure that there is none. */
  readonly mayBeOnline: boolean
  /** @returns a function that stops listening */
  listen(on: NetworkEvents): () => void
}

export interface NetworkEvents {
  online(): void
  offline(): void
  /** The device or the page was asleep: a line that looks open may be long dead. */
  woke(): void
}

export const browserNetwork: Network = {
  get mayBeOnline() {
    return globalThis.navigator?.onLine !== false
  },
  listen({ online, offline, woke }) {
    if (typeof globalThis.addEventListener !== 'function') return () => {}
    const page = globalThis.document as Document | undefined
    const shown = () => {
      if (page?.visibilityState === 'visible') woke()
    }
    const listeners: [EventTarget | undefined, string, () => void][] = [
      [globalThis, 'online', online],
      [globalThis, 'offline', offline],
      [globalThis, 'pageshow', woke],
      [page, 'resume', woke],
      [page, 'visibilitychange', shown],
    ]
    for (const [target, name, listener] of listeners) target?.addEventListener(name, listener)
    return () => {
      for (const [target, name, listener] of listeners) target?.removeEventListener(name, listener)
    }
  },
}
