import { type Clock, TidemarkError } from '@tidemark/shared'
import type { ConnectionStatus } from '../status/status.ts'
import { closingError } from './close-reason.ts'
import { addressOf, isPing, isPong, pingFrame, pongFrame } from './frames.ts'
import { Heartbeat, type HeartbeatTiming } from './heartbeat.ts'
import { MessageLimit } from './message-limit.ts'
import type { Network } from './network.ts'
import { isAboutToken, recoveryFrom } from './recovery.ts'
import { type RetrySchedule, retryDelay } from './retry.ts'

export type CreateSocket = (url: string) => WebSocket

/** One document's end of the socket. */
export interface SocketUser {
  /** The WebSocket is open: a session may begin. */
  opened(): void
  /** The WebSocket is gone, and the user's session with it. */
  closed(): void
  connectionChanged(status: ConnectionStatus): void
  /** An attempt failed, or the connection broke. `isFinal`: it is not tried again before a person asks. */
  failed(error: TidemarkError, isFinal: boolean): void
  /** Make a server that does not answer pings say something, so that the line is known to be alive. */
  probe(): void
}

export interface SocketOptions {
  readonly url: string
  readonly createSocket: CreateSocket
  readonly clock: Clock
  readonly retry: RetrySchedule
  readonly network: Network
  readonly heartbeat: HeartbeatTiming
  /** Told of each failure once, whatever the number of documents. */
  readonly onFailure: (error: TidemarkError, attempt: number) => void
  /** Told instead when a token was refused for the first time, and a fresh one is tried: to log, not to show. */
  readonly onHealing: (error: TidemarkError, attempt: number) => void
  readonly onStatus: (status: ConnectionStatus) => void
  /** The server closed the socket because of the token: the next attempt needs another. */
  readonly onTokenRefused: () => void
}

type State =
  /** No document wants a connection. */
  | { readonly kind: 'idle' }
  | { readonly kind: 'connecting' | 'open'; readonly webSocket: WebSocket; readonly release: () => void }
  /** A failure is being waited out. */
  | { readonly kind: 'waiting'; readonly release: () => void }
  /** A failure that trying again cannot heal; a person may still ask for it. */
  | { readonly kind: 'stopped' }

const openTimeLimit = 10_000
// A connection that has lasted this long was no flicker: the schedule starts anew after it.
const healthyAfter = 5_000
// A connection that has carried nothing for any session for so long is no use to anybody.
const quiet = 20_000

/**
 * The one WebSocket of a client; it carries the sessions of all its documents. It connects while somebody uses it,
 * and comes back by the retry schedule. It never queues: a frame that cannot be sent now is not sent, because the
 * next session's handshake carries everything, and a queued write would be taken for another when its ack comes.
 */
export class Socket {
  readonly #options: SocketOptions
  readonly #users = new Set<SocketUser>()
  readonly #receivers = new Map<string, (frame: Uint8Array<ArrayBuffer>) => void>()
  readonly #stopListening: () => void
  #state: State = { kind: 'idle' }
  /** Since the schedule began. */
  #failures = 0
  /** Since the last connection that lasted: being asked to hurry does not make the next failure the first. */
  #failuresInRow = 0
  #tokenRefused = false
  /** The server of this connection has said that it is Tidemark's. */
  #answersPings = false
  /** Asks the line at once whether it is alive. */
  #suspect: () => void = () => {}
  #status: ConnectionStatus = 'disconnected'
  /** How large a message may be. */
  readonly limit = new MessageLimit()
  /** In this connection. */
  #largestSent = 0
  #heardAt = 0

  constructor(options: SocketOptions) {
    this.#options = options
    this.#stopListening = options.network.listen({
      online: () => {
        this.#suspect()
        this.retryNow()
      },
      woke: () => this.#suspect(),
      offline: () => this.#drop(new TidemarkError('network-offline')),
    })
  }

  get status(): ConnectionStatus {
    return this.#status
  }

  get attempt(): number {
    return this.#failuresInRow + 1
  }

  /** Connects, if nobody did before. The user is told at once when the socket is open already. */
  use(user: SocketUser): void {
    this.#users.add(user)
    if (this.#state.kind === 'idle') this.#connect()
    else user.connectionChanged(this.#status)
    if (this.#state.kind === 'open') user.opened()
  }

  /** Closes the connection with its last user. */
  leave(user: SocketUser): void {
    this.#users.delete(user)
    if (this.#users.size > 0) return
    this.#become({ kind: 'idle' })
    this.#failures = this.#failuresInRow = 0
  }

  receive(address: string, receiver: (frame: Uint8Array<ArrayBuffer>) => void): void {
    this.#receivers.set(address, receiver)
  }

  ignore(address: string): void {
    this.#receivers.delete(address)
  }

  /** @returns whether it was handed to an open WebSocket */
  send(frame: Uint8Array<ArrayBuffer>): boolean {
    if (this.#state.kind !== 'open' || this.#state.webSocket.readyState !== 1) return false
    this.#largestSent = Math.max(this.#largestSent, frame.byteLength)
    this.#state.webSocket.send(frame)
    return true
  }

  /** What was handed to the browser and has not left yet. */
  get unsentBytes(): number {
    return this.#state.kind === 'open' ? (this.#state.webSocket.bufferedAmount ?? 0) : 0
  }

  /** A session is not answered again and again: unless others are on this connection, another one is tried. */
  giveUp(error: TidemarkError): void {
    if (this.#options.clock.now() - this.#heardAt > quiet) this.#drop(error)
  }

  /** Tries at once, whatever the schedule says, and also after a failure that stopped it. */
  retryNow(): void {
    if (this.#users.size === 0) return
    if (this.#state.kind !== 'waiting' && this.#state.kind !== 'stopped') return
    this.#failures = 0
    this.#tokenRefused = false
    this.#connect()
  }

  /** A session was authenticated: the token is good. */
  tokenAccepted(): void {
    this.#tokenRefused = false
  }

  /** The server is Tidemark's: from here on, in this connection, a ping asks whether the line is alive. */
  serverIsTidemark(): void {
    this.#answersPings = true
  }

  close(): void {
    this.#stopListening()
    this.#users.clear()
    this.#become({ kind: 'idle' })
  }

  #connect(): void {
    const { clock, createSocket, url } = this.#options
    let webSocket: WebSocket
    try {
      webSocket = createSocket(url)
    } catch (cause) {
      this.#failed(new TidemarkError('server-unreachable', undefined, { cause }))
      return
    }
    webSocket.binaryType = 'arraybuffer'
    const cancelTimeLimit = clock.after(openTimeLimit, () =>
      this.#drop(this.#unreachable(new Error(`no connection within ${openTimeLimit} ms`))),
    )
    const heartbeat = new Heartbeat(clock, this.#options.heartbeat, {
      probe: () => this.#probe(),
      missed: () => this.#drop(new TidemarkError('heartbeat-missed')),
    })
    let cancelHealthy = () => {}
    const listeners = {
      open: () => {
        cancelTimeLimit()
        heartbeat.start()
        this.#suspect = () => heartbeat.suspect()
        cancelHealthy = clock.after(healthyAfter, () => {
          this.#failures = this.#failuresInRow = 0
        })
        this.#state = { ...connecting, kind: 'open' }
        this.#show('connected')
        for (const user of [...this.#users]) user.opened()
      },
      message: (event: MessageEvent) => {
        heartbeat.heard()
        this.#deliver(event.data)
      },
      close: (event: CloseEvent) => {
        this.#drop(this.#state.kind === 'open' ? this.#broken(event) : this.#refusedOpening(event))
      },
      // A close event follows, and says more; without this listener the `ws` package throws.
      error: () => {},
    }
    for (const [name, listener] of Object.entries(listeners))
      webSocket.addEventListener(name, listener as EventListener)
    const connecting = {
      kind: 'connecting' as const,
      webSocket,
      release: () => {
        this.#suspect = () => {}
        cancelTimeLimit()
        cancelHealthy()
        heartbeat.stop()
        for (const [name, listener] of Object.entries(listeners)) {
          // a late error event of the `ws` package still needs somebody to hear it
          if (name !== 'error') webSocket.removeEventListener(name, listener as EventListener)
        }
        webSocket.close()
      },
    }
    this.#answersPings = false
    this.#largestSent = 0
    this.#become(connecting)
    this.#show('connecting')
  }

  /** A ping costs the server nothing; what a session can say to be answered costs a comparison. */
  #probe(): void {
    if (this.#answersPings) this.send(pingFrame)
    else this.#users.values().next().value?.probe()
  }

  #deliver(data: unknown): void {
    if (!(data instanceof ArrayBuffer) || this.#state.kind !== 'open') return
    const frame = new Uint8Array(data)
    if (isPong(frame)) return
    if (isPing(frame)) {
      this.send(pongFrame)
      return
    }
    let address: string
    try {
      address = addressOf(frame)
    } catch (cause) {
      this.#drop(new TidemarkError('connection-lost', undefined, { cause }))
      return
    }
    const receive = this.#receivers.get(address)
    if (!receive) return
    this.#heardAt = this.#options.clock.now()
    receive(frame)
  }

  /** What one document sent was too large: the next connection sends less at once, and whoever cannot do so says so. */
  #broken(event: CloseEvent): TidemarkError {
    const error = closingError(event)
    if (error.code !== 'message-too-large' || !this.limit.refused(this.#largestSent)) return error
    return new TidemarkError('connection-lost', undefined, { cause: error })
  }

  #refusedOpening(event: CloseEvent): TidemarkError {
    // A server that closes with a reason of ours has been reached; 1006 says that nobody answered as a WebSocket.
    const error = closingError(event)
    return error.code === 'connection-lost' ? this.#unreachable(error.cause) : error
  }

  #unreachable(cause: unknown): TidemarkError {
    return new TidemarkError(this.#options.network.mayBeOnline ? 'server-unreachable' : 'network-offline', undefined, {
      cause,
    })
  }

  /** The connection, or the attempt at one, is over. */
  #drop(error: TidemarkError): void {
    if (this.#state.kind !== 'open' && this.#state.kind !== 'connecting') return
    this.#failed(error)
  }

  #failed(error: TidemarkError): void {
    const failed = this.#state
    const attempt = this.attempt
    this.#failures++
    this.#failuresInRow++
    const recovery = recoveryFrom(error.code, this.#tokenRefused)
    // one that has run out is worth another try with the next token, however often
    const isFinal = recovery === 'none' && error.consequence !== 'reauthenticate'
    if (isAboutToken(error.code)) this.#options.onTokenRefused()
    if (recovery === 'fresh-token') {
      this.#tokenRefused = true
      this.#options.onHealing(error, attempt)
    } else if (error.code !== 'connection-idle') {
      // Why comes before that: whoever hears that the connection is gone knows the reason.
      this.#options.onFailure(error, attempt)
      for (const user of [...this.#users]) user.failed(error, isFinal)
    }
    // unless one of them has closed the socket meanwhile
    if (this.#state !== failed) return
    this.#become(isFinal ? { kind: 'stopped' } : this.#waiting(recovery === 'fresh-token'))
  }

  #waiting(isImmediate: boolean): State {
    const { clock, retry } = this.#options
    const delay = isImmediate ? 0 : retryDelay(retry, this.#failures, clock.random())
    return { kind: 'waiting', release: clock.after(delay, () => this.#connect()) }
  }

  #become(state: State): void {
    const before = this.#state
    this.#state = state
    if ('release' in before) before.release()
    if (state.kind !== 'connecting' && state.kind !== 'open') this.#show('disconnected')
    if (before.kind === 'open') for (const user of [...this.#users]) user.closed()
  }

  #show(status: ConnectionStatus): void {
    if (this.#status === status) return
    this.#status = status
    this.#options.onStatus(status)
    for (const user of [...this.#users]) user.connectionChanged(status)
  }
}
