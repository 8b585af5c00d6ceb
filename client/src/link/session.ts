import {
  type Clock,
  decodeServerMessage,
  type ErrorCode,
  errorCodeFromReason,
  type ServerMessage,
  TidemarkError,
  uniqueName,
} from '@tidemark/shared'
import type { Awareness } from 'y-protocols/awareness'
import type * as Y from 'yjs'
import { bring } from '../replica/bring.ts'
import { closeFrame, kindOf, updateFrame, updateIn } from './frames.ts'
import { mergeInGroups } from './merge.ts'
import { DocumentProvider } from './provider.ts'
import type { Socket } from './socket.ts'
import { latestOnly } from './squash.ts'

export interface SessionEvents {
  /** A sync write left: it carries every edit made up to now. */
  sent(): void
  /** The oldest unanswered write is durable. */
  acknowledged(): void
  /** The oldest unanswered write was refused; `error` messages have said why. */
  refused(): void
  authenticated(): void
  /** The server ended the session, or did not let it begin. */
  ended(error: TidemarkError): void
  told(message: ServerMessage): void
  tokenRequested(): void
}

interface Running {
  readonly id: string
  readonly address: string
  /** The reply to the server's sync request has left: from here on updates follow on it. */
  handshakeSent: boolean
  /** A write was refused: later ones would stand on it, so none is sent. */
  halted: boolean
}

/**
 * The sessions of one document, one after the other, at the seam of the socket (R4.3): it sees every frame that
 * leaves and every frame that comes, so the n-th acknowledgement is counted for the n-th write of the same session.
 *
 * No update is sent before the handshake's own write. What was edited until then travels in the handshake, and an
 * acknowledgement of a later edit could otherwise be taken for one of an earlier edit that was never sent.
 */
export class Session {
  readonly #provider: DocumentProvider
  readonly #socket: Socket
  readonly #clock: Clock
  readonly #sendWindow: number
  readonly #events: SessionEvents
  #running: Running | null = null
  #updates: Uint8Array[] = []
  readonly #awarenessClients = new Set<number>()
  #cancelWindow: (() => void) | null = null

  constructor(
    target: { readonly name: string; readonly doc: Y.Doc; readonly awareness: Awareness },
    means: {
      readonly socket: Socket
      readonly clock: Clock
      readonly sendWindow: number
      readonly nearClients: () => ReadonlySet<number>
    },
    events: SessionEvents,
  ) {
    this.#socket = means.socket
    this.#clock = means.clock
    this.#sendWindow = means.sendWindow
    this.#events = events
    const { name, doc, awareness } = target
    this.#provider = new DocumentProvider(name, doc, awareness, { send: (frame) => this.#send(frame) })
    this.#provider.nearClients = means.nearClients
    this.#provider.onTokenRequest = () => this.#events.tokenRequested()
    this.#provider.onAwarenessChange = (clients) => this.#awarenessChanged(clients)
    this.#provider.on('authenticated', () => this.#events.authenticated())
    this.#provider.on('authenticationFailed', ({ reason }: { reason: string }) =>
      this.#endedByServer(errorCodeFromReason(reason, 'permission-denied'), reason),
    )
    this.#provider.on('close', ({ event }: { event: { reason: string } }) =>
      this.#endedByServer(errorCodeFromReason(event.reason, 'connection-lost'), event.reason),
    )
    this.#provider.on('stateless', ({ payload }: { payload: string }) => {
      const message = decodeServerMessage(payload)
      if (message) this.#events.told(message)
    })
  }

  /** The origin of the transactions that bring the server's updates. */
  get origin(): unknown {
    return this.#provider
  }

  get id(): string | null {
    return this.#running?.id ?? null
  }

  begin(tokenField: string): void {
    this.end()
    const id = uniqueName(this.#clock)
    const address = `${this.#provider.configuration.name}\0${id}`
    this.#running = { id, address, handshakeSent: false, halted: false }
    this.#socket.receive(address, (frame) => this.#receive(frame))
    void this.#provider.begin(id, tokenField)
  }

  /** Answers the server's request for a fresh token. */
  presentToken(tokenField: string): void {
    if (this.#running) void this.#provider.presentToken(tokenField)
  }

  /** Hands an edit over; a burst within the send window becomes one message. */
  edit(update: Uint8Array): void {
    if (!this.#running?.handshakeSent || this.#running.halted) return
    this.#updates.push(update)
    this.#openWindow()
  }

  /** Sends what the window holds, now. */
  flush(): void {
    this.#cancelWindow?.()
    this.#cancelWindow = null
    const updates = this.#updates
    this.#updates = []
    if (updates.length > 0 && this.#running) {
      this.#send(updateFrame(this.#running.address, updates.length === 1 ? updates[0]! : this.#merged(updates)))
    }
    const clients = [...this.#awarenessClients]
    this.#awarenessClients.clear()
    if (clients.length > 0) this.#provider.sendAwareness(clients)
  }

  #merged(updates: readonly Uint8Array[]): Uint8Array {
    const merged = mergeInGroups(updates)
    // an app that keeps deleted content does so on purpose
    return this.#provider.document.gc ? latestOnly(merged) : merged
  }

  /** Makes a foreign server answer: our own presence comes back to us; without one, a sync request does. */
  probe(): void {
    if (!this.#running) return
    const { awareness } = this.#provider
    const state = awareness?.getLocalState()
    if (state) awareness?.setLocalState(state)
    else this.#provider.forceSync()
  }

  /** Forgets the session, without a word to the server; what is unanswered stays unanswered. */
  end(how: { readonly isHandOver?: boolean } = {}): void {
    const running = this.#running
    if (!running) return
    this.#running = null
    this.#socket.ignore(running.address)
    this.#cancelWindow?.()
    this.#cancelWindow = null
    this.#updates = []
    this.#awarenessClients.clear()
    if (how.isHandOver) this.#provider.handOver()
    else this.#provider.onClose()
  }

  /** Ends the session and tells the server. */
  leave(how: { readonly isHandOver?: boolean } = {}): void {
    const running = this.#running
    if (!running) return
    this.flush()
    this.end(how)
    this.#socket.send(closeFrame(running.address))
  }

  /** Leaves for good; also takes the awareness with it. */
  close(): void {
    this.#provider.sendFarewell()
    // whoever else is here does not go because this one does
    this.leave({ isHandOver: true })
    this.#provider.destroy()
  }

  #awarenessChanged(clients: readonly number[]): void {
    if (!this.#running) return
    for (const client of clients) this.#awarenessClients.add(client)
    // of those who are gone nothing is known any more in a moment
    const states = this.#provider.awareness?.getStates()
    if (clients.every((client) => states?.has(client))) this.#openWindow()
    else this.flush()
  }

  #openWindow(): void {
    if (this.#sendWindow === 0) this.flush()
    else this.#cancelWindow ??= this.#clock.after(this.#sendWindow, () => this.flush())
  }

  #send(frame: Uint8Array<ArrayBuffer>): void {
    const running = this.#running
    if (!running) return
    const { kind } = kindOf(frame)
    const isWrite = kind === 'sync-reply' || kind === 'update'
    if (!isWrite) {
      this.#socket.send(frame)
      return
    }
    if (running.halted || (kind === 'update' && !running.handshakeSent) || !this.#socket.send(frame)) return
    if (kind === 'sync-reply') {
      running.handshakeSent = true
      this.#updates = []
    }
    this.#events.sent()
  }

  #receive(frame: Uint8Array<ArrayBuffer>): void {
    const running = this.#running
    if (!running) return
    try {
      const kind = kindOf(frame)
      if (kind.kind === 'sync-status') {
        if (!kind.applied) running.halted = true
        if (kind.applied) this.#events.acknowledged()
        else this.#events.refused()
        return
      }
      if (kind.kind === 'sync-reply' || kind.kind === 'update') {
        // Hocuspocus's own provider takes an update that does not decode for one that came
        const bringing = bring(this.#provider.document, updateIn(frame), this.#provider)
        if (bringing.kind === 'unreadable') throw bringing.cause
        return
      }
      this.#provider.onMessage({ data: frame } as unknown as MessageEvent)
    } catch (cause) {
      // A frame that cannot be read leaves this replica behind: only a new handshake is sure to mend that.
      this.leave()
      this.#events.ended(new TidemarkError('connection-lost', undefined, { cause }))
    }
  }

  #endedByServer(code: ErrorCode, reason: string): void {
    if (!this.#running) return
    this.end()
    this.#events.ended(new TidemarkError(code, undefined, { cause: new Error(`the server said "${reason}"`) }))
  }
}
