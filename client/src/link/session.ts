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
import * as Y from 'yjs'
import { bring } from '../replica/bring.ts'
import { AnswerWatch } from './answer-watch.ts'
import type { LinkMeans } from './contract.ts'
import { bytesIn, closeFrame, frameOverhead, kindOf, writeFrame } from './frames.ts'
import { mergeInGroups } from './merge.ts'
import { DocumentProvider } from './provider.ts'
import type { Socket } from './socket.ts'
import { type Split, split } from './split.ts'
import { latestOnly } from './squash.ts'

export interface SessionEvents {
  /** Sync writes left, so many: together they carry every edit made up to now. */
  sent(parts: number): void
  /** The oldest unanswered write is durable. */
  acknowledged(): void
  /** The oldest unanswered write was refused; `error` messages have said why. */
  refused(): void
  /** What is to be written cannot be divided and is larger than the server takes: nothing more is written. */
  tooLarge(error: TidemarkError): void
  /** The edits have changed, and can be sent: by a new session. */
  fitsAgain(): void
  /** Something beside the edits (a presence) is larger than the server takes, and is left out. */
  omitted(error: TidemarkError): void
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
  /** The server's state vector, as it was last said; null before. */
  serverHas: Uint8Array | null
  /** The edits are too large to be sent. */
  isTooLarge: boolean
  hasOmitted: boolean
  /** Writes without an answer. */
  unanswered: number
  /** The server has said that it cannot answer for now. */
  isExcused: boolean
}

/** ms after which edits that were too large are looked at again when there is another: it may have undone them. */
const lookAgainAfter = 1_000

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
  #cancelLook: (() => void) | null = null
  readonly #together: LinkMeans['together']
  readonly #answers: AnswerWatch

  constructor(
    target: { readonly name: string; readonly doc: Y.Doc; readonly awareness: Awareness },
    means: Pick<LinkMeans, 'socket' | 'clock' | 'sendWindow' | 'nearClients' | 'together'>,
    events: SessionEvents,
  ) {
    this.#socket = means.socket
    this.#clock = means.clock
    this.#sendWindow = means.sendWindow
    this.#events = events
    this.#together = means.together
    this.#answers = new AnswerWatch(
      means.clock,
      () => means.socket.unsentBytes,
      () => means.together(() => this.#silent()),
    )
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
      if (message) this.#told(message)
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
    this.#running = {
      ...{ id, address, handshakeSent: false, halted: false, serverHas: null, isTooLarge: false, hasOmitted: false },
      ...{ unanswered: 0, isExcused: false },
    }
    this.#socket.receive(address, (frame) => this.#together(() => this.#receive(frame)))
    void this.#provider.begin(id, tokenField)
    this.#watchAnswers()
  }

  /** The server has still to answer the handshake, or a write. */
  get isOwed(): boolean {
    const running = this.#running
    return running !== null && (running.unanswered > 0 || (!running.handshakeSent && !running.halted))
  }

  /** Answers the server's request for a fresh token. */
  presentToken(tokenField: string): void {
    if (this.#running) void this.#provider.presentToken(tokenField)
  }

  /** Hands an edit over; a burst within the send window becomes one message. */
  edit(update: Uint8Array): void {
    if (this.#running?.isTooLarge) this.#cancelLook ??= this.#clock.after(lookAgainAfter, () => this.#lookAgain())
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
    if (updates.length > 0 && this.#running && !this.#running.halted) {
      this.#write(this.#running, 'update', updates.length === 1 ? updates[0]! : this.#merged(updates))
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
    this.#cancelLook?.()
    this.#cancelWindow = this.#cancelLook = null
    this.#answers.stop()
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
    else this.#cancelWindow ??= this.#clock.after(this.#sendWindow, () => this.#together(() => this.flush()))
  }

  /** What is no write: who we are, what we have, who is here. */
  #send(frame: Uint8Array<ArrayBuffer>): void {
    const running = this.#running
    if (!running) return
    if (frame.byteLength <= this.#socket.limit.most) {
      this.#socket.send(frame)
      return
    }
    // it would end the connection of all documents
    if (!running.hasOmitted) this.#events.omitted(tooLarge(frame.byteLength))
    running.hasOmitted = true
  }

  /** Answers the server's request: with everything that it lacks. */
  #shake(running: Running, serverHas: Uint8Array): void {
    running.serverHas = serverHas
    if (running.halted) return
    this.#write(running, 'step2', Y.encodeStateAsUpdate(this.#provider.document, serverHas))
  }

  #write(running: Running, kind: 'step2' | 'update', update: Uint8Array): void {
    const divided = this.#divided(running, update)
    if (divided.kind === 'too-large') {
      running.halted = running.isTooLarge = true
      this.#watchAnswers()
      this.#events.tooLarge(tooLarge(divided.bytes))
      return
    }
    for (const part of divided.parts) {
      // a line that is gone ends the session, and what was sent of it counts for nothing
      if (!this.#socket.send(writeFrame(running.address, kind, part))) return
    }
    if (kind === 'step2') {
      running.handshakeSent = true
      this.#updates = []
    }
    running.unanswered += divided.parts.length
    this.#watchAnswers()
    this.#events.sent(divided.parts.length)
  }

  #divided({ address }: Running, update: Uint8Array): Split {
    const { part, most } = this.#socket.limit
    const overhead = frameOverhead(address)
    return split(update, part - overhead, most - overhead)
  }

  #lookAgain(): void {
    this.#cancelLook = null
    const running = this.#running
    if (!running?.serverHas) return
    const update = Y.encodeStateAsUpdate(this.#provider.document, running.serverHas)
    if (this.#divided(running, update).kind === 'parts') this.#together(() => this.#events.fitsAgain())
  }

  #watchAnswers(): void {
    if (this.isOwed && !this.#running?.isExcused) this.#answers.expect()
    else this.#answers.stop()
  }

  #silent(): void {
    this.leave()
    this.#events.ended(new TidemarkError('session-unanswered'))
  }

  #told(message: ServerMessage): void {
    const isAboutAll = message.tidemark !== 'hello' && message.code === 'storage-unavailable'
    if (isAboutAll && this.#running) this.#running.isExcused = message.tidemark === 'error'
    this.#events.told(message)
  }

  #receive(frame: Uint8Array<ArrayBuffer>): void {
    const running = this.#running
    if (!running) return
    this.#answers.stop()
    try {
      this.#take(running, frame)
    } catch (cause) {
      // A frame that cannot be read leaves this replica behind: only a new handshake is sure to mend that.
      this.leave()
      this.#events.ended(new TidemarkError('connection-lost', undefined, { cause }))
    }
    this.#watchAnswers()
  }

  #take(running: Running, frame: Uint8Array<ArrayBuffer>): void {
    const { document } = this.#provider
    const frameKind = kindOf(frame)
    switch (frameKind.kind) {
      case 'sync-status':
        if (!frameKind.applied) running.halted = true
        running.unanswered = Math.max(0, running.unanswered - 1)
        if (frameKind.applied) this.#events.acknowledged()
        else this.#events.refused()
        return
      case 'sync-request':
        this.#shake(running, bytesIn(frame))
        return
      case 'sync-reply':
      case 'update': {
        // Hocuspocus's own provider takes an update that does not decode for one that came
        const bringing = bring(document, bytesIn(frame), this.#provider)
        if (bringing.kind === 'unreadable') throw bringing.cause
        return
      }
      default:
        this.#provider.onMessage({ data: frame } as unknown as MessageEvent)
    }
  }

  #endedByServer(code: ErrorCode, reason: string): void {
    if (!this.#running) return
    this.end()
    this.#events.ended(new TidemarkError(code, undefined, { cause: new Error(`the server said "${reason}"`) }))
  }
}

function tooLarge(bytes: number): TidemarkError {
  return new TidemarkError('message-too-large', undefined, { cause: new Error(`${bytes} bytes in one message`) })
}
