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
 * Forgets how far those who are not here had counted. A replica remembers that, and takes no notice of somebody who
 * is still there with the same count when the line is back: they would be missing until they next say something.
 */
export function forgetAbsent(awareness: Awareness): void {
  for (const client of awareness.meta.keys()) {
    if (client !== awareness.clientID && !awareness.states.has(client)) awareness.meta.delete(client)
  }
}

/**
 * Hocuspocus's provider for the protocol of one document (handshake, awareness, authentication), with the socket
 * taken out of its hands. Edits and cursors do not go out from its own listeners but through the session, which
 * knows when a session has begun and merges bursts.
 */
export class DocumentProvider extends HocuspocusProvider {
  onTokenRequest: () => void = () => {}
  onAwarenessChange: (clients: readonly number[]) => void = () => {}
  /** Those who are known to be here without a server: the other tabs of this device. */
  nearClients: () => ReadonlySet<number> = () => new Set()

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
    // Edits are handed over in order: count, store, send. As long as anybody listens, Yjs encodes each transaction.
    doc.off('update', this.boundDocumentUpdateHandler)
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

  override awarenessUpdateHandler({ added, updated, removed }: AwarenessChange, origin: unknown): void {
    if (origin !== this) this.onAwarenessChange([...added, ...updated, ...removed])
  }

  /** Takes this replica out of everybody's list at once, rather than when its time runs out. */
  sendFarewell(): void {
    if (!this.awareness?.getLocalState()) return
    removeAwarenessStates(this.awareness, [this.document.clientID], 'leaving')
  }

  /** The session is over: those whom only the server knew to be here are not known to be here any more. */
  override onClose(): void {
    const { awareness } = this
    // kept out of Hocuspocus's sight, which would take everybody away
    this.configuration.awareness = null
    super.onClose()
    this.configuration.awareness = awareness
    if (!awareness) return
    const near = this.nearClients()
    const far = [...awareness.getStates().keys()].filter(
      (client) => client !== this.document.clientID && !near.has(client),
    )
    removeAwarenessStates(awareness, far, this)
    forgetAbsent(awareness)
  }

  /** The session is over, and another tab goes on: nobody is gone. */
  handOver(): void {
    const { awareness } = this
    this.configuration.awareness = null
    super.onClose()
    this.configuration.awareness = awareness
  }

  sendAwareness(clients: readonly number[]): void {
    const known = clients.filter((client) => this.awareness?.meta.has(client))
    if (known.length > 0) super.awarenessUpdateHandler({ added: known, updated: [], removed: [] }, null)
  }
}
