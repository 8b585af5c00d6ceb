/**
 * What a browser gives the tabs of one origin to find each other by. Handed in, so that a simulation can have many
 * tabs in one process; {@link browserWorld} is the real thing.
 */
export interface TabWorld {
  /** Null where there is no Web Locks API (an insecure context, an old browser): each tab leads itself then. */
  readonly locks: Locks | null
  /** @returns null where there is no BroadcastChannel */
  openChannel(name: string): Channel | null
  readonly page: Page
}

/** The part of the Web Locks API that is used here. `LockManager` fits. */
export interface Locks {
  request<Value>(
    name: string,
    options: LockRequest,
    callback: (lock: { readonly name?: string } | null) => Promise<Value> | Value,
  ): Promise<Value>
  /** What is held now. */
  query(): Promise<{ readonly held?: readonly { readonly name?: string }[] }>
}

export interface LockRequest {
  readonly mode?: 'exclusive' | 'shared'
  /** Calls back with null instead of waiting. */
  readonly ifAvailable?: boolean
  /** Takes it from whoever holds it: their `request` rejects with an `AbortError`. */
  readonly steal?: boolean
  readonly signal?: AbortSignal
}

/** Says something to all other tabs that have opened a channel of the same name; what one tab says stays in order. */
export interface Channel {
  post(message: unknown): void
  close(): void
  onMessage: (message: unknown) => void
}

/** What becomes of this tab. */
export interface Page {
  readonly isVisible: boolean
  /** @returns a function that stops listening */
  listen(on: PageEvents): () => void
}

export interface PageEvents {
  /** It has become visible, or hidden. */
  visibilityChanged(): void
  /** It is about to be stopped, perhaps for good: frozen, kept for the back button, closed. Nothing may wait. */
  stopping(): void
  /** It goes on after having been stopped. */
  resumed(): void
}
