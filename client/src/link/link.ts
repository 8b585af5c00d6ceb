import { assertNever, type ErrorCode, type ServerMessage, TidemarkError } from '@tidemark/shared'
import type { Awareness } from 'y-protocols/awareness'
import type * as Y from 'yjs'
import type { ConnectionStatus } from '../status/status.ts'
import type { LinkEvents, LinkMeans } from './contract.ts'
import { Credentials } from './credentials.ts'
import { isAboutToken, recoveryFrom } from './recovery.ts'
import { Removals } from './removals.ts'
import { retryDelay } from './retry.ts'
import { Session } from './session.ts'

type Phase =
  | { readonly kind: 'off' }
  /** Waiting for the socket. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'asking-token' }
  | { readonly kind: 'running' }
  | { readonly kind: 'waiting'; readonly cancel: () => void }
  /** Only a person can help: new rights, a reload, another look at the history. */
  | { readonly kind: 'stopped' }

/** Decides when a document's session begins, and what follows when one fails (R5.1). */
export class Link {
  readonly #means: LinkMeans
  readonly #events: LinkEvents
  readonly #credentials: Credentials
  readonly #session: Session
  readonly #removals: Removals
  #phase: Phase = { kind: 'off' }
  #failures = 0
  /** Sessions in a row that the server did not answer. */
  #silences = 0
  #complaint: TidemarkError | null = null
  #refusal: TidemarkError | null = null
  #obstacle: TidemarkError | null = null

  constructor(
    target: { readonly name: string; readonly doc: Y.Doc; readonly awareness: Awareness },
    means: LinkMeans,
    events: LinkEvents,
  ) {
    this.#means = means
    this.#events = events
    this.#credentials = new Credentials(means)
    this.#removals = new Removals(means, () => this.#restart())
    this.#session = new Session(target, means, {
      sent: (parts) => events.sent(parts),
      acknowledged: () => {
        this.#failures = this.#silences = 0
        this.#credentials.settled()
        events.acknowledged()
      },
      refused: () => this.#refused(),
      tooLarge: (error) => {
        this.#report(error, this.#failures + 1)
        this.#stand(error)
      },
      fitsAgain: () => this.#restart(),
      omitted: (error) => events.failed(error, 1),
      authenticated: () => means.socket.tokenAccepted(),
      ended: (error) => this.#ended(error),
      told: (message) => this.#told(message),
      tokenRequested: () => this.#freshToken(),
    })
  }

  get origin(): unknown {
    return this.#session.origin
  }

  get sessionId(): string | null {
    return this.#session.id
  }

  /** From here on sessions begin whenever the socket is open. Local content must be loaded before. */
  start(): void {
    if (this.#phase.kind !== 'off') return
    this.#phase = { kind: 'ready' }
    this.#means.together(() => this.#means.socket.use(this.#user))
  }

  /** @param how.isHandOver another tab of this device goes on with the document */
  stop(how: { readonly isHandOver?: boolean } = {}): void {
    if (this.#phase.kind === 'off') return
    this.#means.together(() => {
      this.#session.leave(how)
      this.#credentials.settled()
      this.#events.connectionChanged('disconnected')
      this.#rest({ kind: 'off' })
      this.#means.socket.leave(this.#user)
    })
  }

  close(): void {
    this.#session.close()
    this.stop()
  }

  edit(update: Uint8Array): void {
    this.#session.edit(update)
    if (this.#refusal?.code === 'document-too-large') this.#removals.edited(update, this.#failures)
  }

  /** Sends now; what waits for its next try does not wait longer. */
  flush(): void {
    this.#means.together(() => {
      this.#session.flush()
      if (this.#phase.kind !== 'waiting') return
      this.#rest({ kind: 'ready' })
      this.#begin()
    })
  }

  /** A person asks: try now, forget what stood in the way. */
  retry(): void {
    if (this.#phase.kind !== 'off') this.#means.together(() => this.#retry())
  }

  #retry(): void {
    this.#failures = 0
    this.#credentials.settled()
    this.#clearObstacle()
    if (this.#phase.kind === 'stopped' || this.#phase.kind === 'waiting') this.#rest({ kind: 'ready' })
    if (this.#refusal || this.#session.isOwed) this.#restart()
    this.#means.socket.retryNow()
    this.#begin()
  }

  readonly #user = {
    opened: () => this.#means.together(() => this.#begin()),
    closed: () => this.#means.together(() => this.#lineLost()),
    connectionChanged: (status: ConnectionStatus) => this.#events.connectionChanged(status),
    failed: (error: TidemarkError, isFinal: boolean) =>
      this.#means.together(() => {
        this.#events.connectionFailed(error)
        if (isFinal) this.#obstruct(error)
      }),
    probe: () => this.#session.probe(),
  }

  #lineLost(): void {
    this.#session.end()
    // a person's affair stays one, whatever the line does
    if (this.#phase.kind !== 'stopped' && this.#phase.kind !== 'off') {
      this.#credentials.settled()
      this.#rest({ kind: 'ready' })
    } else this.#events.sessionEnded()
  }

  #begin(): void {
    if (this.#phase.kind !== 'ready' || this.#means.socket.status !== 'connected') return
    const asking: Phase = { kind: 'asking-token' }
    this.#phase = asking
    this.#credentials.forSession().then(
      (tokenField) => {
        if (this.#phase !== asking) return
        this.#means.together(() => {
          this.#phase = { kind: 'running' }
          this.#refusal = null
          this.#events.sessionBegan()
          this.#session.begin(tokenField)
        })
      },
      (error: TidemarkError) => {
        if (this.#phase === asking) this.#means.together(() => this.#ended(error))
      },
    )
  }

  #freshToken(): void {
    this.#credentials.fresh().then(
      (tokenField) => this.#session.presentToken(tokenField),
      (error: TidemarkError) => {
        if (this.#phase.kind === 'running') this.#events.failed(error, 1)
      },
    )
  }

  #told(message: ServerMessage): void {
    switch (message.tidemark) {
      case 'hello': {
        this.#means.socket.serverIsTidemark()
        if (message.messageBytes !== undefined) this.#means.socket.limit.said(message.messageBytes)
        const { epoch } = this.#credentials
        if (epoch !== undefined && epoch !== message.epoch) {
          this.#session.leave()
          this.#ended(new TidemarkError('epoch-mismatch'))
          return
        }
        this.#events.hello(message)
        if (this.#refusal?.code === 'read-only' && message.level !== 'read') this.#restart()
        return
      }
      case 'error':
        this.#complaint = new TidemarkError(message.code)
        this.#report(this.#complaint, this.#failures + 1)
        if (message.code === 'storage-unavailable') this.#obstruct(this.#complaint)
        return
      case 'recovered':
        if (this.#refusal?.code === message.code) this.#restart()
        if (this.#obstacle?.code === message.code) this.#clearObstacle()
        return
      default:
        assertNever(message)
    }
  }

  #refused(): void {
    // a server that says nothing else (stock Hocuspocus) refuses for one reason only
    const error = this.#complaint ?? new TidemarkError('read-only')
    if (!this.#complaint) this.#events.failed(error, this.#failures + 1)
    this.#complaint = null
    if (this.#refusal) return
    if (this.#heals(error)) {
      this.#session.leave()
      this.#recover(error)
      return
    }
    this.#stand(error)
    if (error.consequence !== 'retry' && error.consequence !== 'reauthenticate') return
    this.#session.leave()
    this.#recover(error)
  }

  /** Nothing can be written in this session. */
  #stand(error: TidemarkError): void {
    this.#refusal = error
    this.#obstacle = error
    // what is tried again is counted when that fails
    if (error.consequence !== 'retry' && error.consequence !== 'reauthenticate') this.#failed(error)
    this.#events.refused(error)
  }

  #ended(error: TidemarkError): void {
    if (this.#phase.kind === 'off') return
    // the server says why before it ends a session: a refusal that heals is logged once for both
    if (!this.#heals(error) || this.#complaint?.code !== error.code) this.#report(error, this.#failures + 1)
    this.#recover(error)
  }

  /** Is nobody's affair as long as a fresh token has not been refused as well. */
  #heals(error: TidemarkError): boolean {
    return recoveryFrom(error.code, this.#credentials.areRenewed) === 'fresh-token'
  }

  #report(error: TidemarkError, attempt: number): void {
    if (this.#heals(error)) this.#events.healing(error)
    else this.#events.failed(error, attempt)
  }

  /** What follows from a failure of the session; it has been reported, and the session is over. */
  #recover(error: TidemarkError): void {
    const recovery = recoveryFrom(error.code, this.#credentials.areRenewed)
    if (recovery === 'fresh-token') {
      this.#credentials.refused()
      this.#rest({ kind: 'ready' })
      this.#clearObstacle()
      this.#begin()
      return
    }
    if (!isAboutToken(error.code)) this.#credentials.settled()
    this.#failed(error)
    if (recovery === 'later') {
      const { clock, retry } = this.#means
      const cancel = clock.after(retryDelay(retry, this.#failures, clock.random()), () =>
        this.#means.together(() => {
          this.#phase = { kind: 'ready' }
          this.#begin()
        }),
      )
      this.#rest({ kind: 'waiting', cancel })
      if (isToldAtOnce(error.code)) this.#obstruct(error)
      if (error.code === 'session-unanswered' && ++this.#silences > 1) this.#means.socket.giveUp(error)
      return
    }
    this.#rest({ kind: 'stopped' })
    this.#obstruct(error)
  }

  #failed(error: TidemarkError): void {
    this.#failures++
    this.#events.sessionFailed(error)
  }

  /** Ends the session and begins another: its handshake carries what was refused. */
  #restart(): void {
    this.#session.leave()
    this.#rest({ kind: 'ready' })
    this.#clearObstacle()
    this.#begin()
  }

  #rest(phase: Phase): void {
    if (this.#phase.kind === 'waiting') this.#phase.cancel()
    this.#removals.forget()
    this.#phase = phase
    this.#refusal = null
    this.#complaint = null
    this.#events.sessionEnded()
  }

  #obstruct(error: TidemarkError): void {
    this.#obstacle = error
    this.#events.obstructed(error)
  }

  #clearObstacle(): void {
    if (!this.#obstacle) return
    this.#obstacle = null
    this.#events.unobstructed()
  }
}

/** The connection is there, so nothing else says why edits wait. */
function isToldAtOnce(code: ErrorCode): boolean {
  return code === 'storage-unavailable' || code === 'token-provider-failed' || code === 'session-unanswered'
}
