import { HocuspocusProvider, type HocuspocusProviderWebsocket } from '@hocuspocus/provider'
import { type Awareness, removeAwarenessStates } from 'y-protocols/awareness'
import type * as Y from 'yjs'

/** The part of a WebSocket provider that a `HocuspocusProvider` uses, and Tidemark answers for. */
export interface ProviderSocket {
  send(frame: Uint8Array<ArrayBuffer>): void
}

interface AwarenessChange {
  readonly added: number[]
  readonly updated: number[]
  readonly removed: number[]
}

/**
 * Hocuspocus's provider for the protocol of one document (handshake, awareness, authentication), with the socket
 * taken out of its hands. Edits and cursors do not go out from its own listeners but through the session, which
 * knows when a session has begun and merges bursts.
 */
export class DocumentProvider extends HocuspocusProvider {
  onTokenRequest: () => void = () => {}
  onAwarenessChange: (clients: readonly number[]) => void = () => {}

  constructor(name: string, doc: Y.Doc, awareness: Awareness, socket: ProviderSocket) {
    super({
      name,
      document: doc,
      awareness,
      sessionAwareness: true,
      websocketProvider: {
        ...{ on() {}, off() {}, attach() {}, detach() {} },
        send: (frame: Uint8Array<ArrayBuffer>) => socket.send(frame),
      } as unknown as HocuspocusProviderWebsocket,
    })
    this.attach()
  }

  /** Authenticates and starts the handshake. A new session id keeps late frames of the last session out of this one. */
  async begin(sessionId: string, tokenField: string): Promise<void> {
    this.sessionId = sessionId
    this.isAuthenticated = false
    await this.presentToken(tokenField)
    if (this.sessionId !== sessionId) return
    // Peers that saw the last session end ignore a state they have seen before, so it is said with a new clock.
    const state = this.awareness?.getLocalState()
    if (state) this.awareness?.setLocalState(state)
    this.startSync()
  }

  presentToken(tokenField: string): Promise<void> {
    this.configuration.token = tokenField
    return super.sendToken()
  }

  /** The server asks for a token in the middle of a session. */
  override sendToken(): Promise<void> {
    this.onTokenRequest()
    return Promise.resolve()
  }

  // The document hands its edits over itself, in order: count, store, send.
  override documentUpdateHandler(): void {}

  override awarenessUpdateHandler({ added, updated, removed }: AwarenessChange, origin: unknown): void {
    if (origin !== this) this.onAwarenessChange([...added, ...updated, ...removed])
  }

  /** Takes this replica out of everybody's list at once, rather than when its time runs out. */
  sendFarewell(): void {
    if (!this.awareness?.getLocalState()) return
    removeAwarenessStates(this.awareness, [this.document.clientID], 'leaving')
  }

  sendAwareness(clients: readonly number[]): void {
    super.awarenessUpdateHandler({ added: clients, updated: [], removed: [] }, null)
  }
}
