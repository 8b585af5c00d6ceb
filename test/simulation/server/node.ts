import type { Clock } from '@tidemark/shared'
import type { Timeline } from '../../../client/src/testing/timeline.ts'
import type { Authoriser } from '../../../server/src/auth/access.ts'
import { Memory } from '../../../server/src/documents/memory.ts'
import { type SyncFailure, SyncServer } from '../../../server/src/sync.ts'
import type { Random } from '../../helpers/random.ts'
import { SimulatedProcess } from './process.ts'
import { type Caller, SimulatedSocket } from './socket.ts'
import type { Storage } from './storage/storage.ts'

export interface NodeWorld {
  readonly timeline: Timeline
  readonly random: Random
  readonly storage: Storage
  wallClock(): number
  /** Without one everybody may do everything. */
  readonly authoriser?: Authoriser
}

export const limits = {
  messageBytes: 1_000_000,
  documentBytes: 400_000,
  documentsPerSocket: 10,
  sessionsPerDocument: 10,
  presenceStateBytes: 16 * 1024,
  presenceStates: 100,
  typeDepth: 500,
  valueDepth: 500,
  clientsPerDocument: 100_000,
  subdocuments: 10,
  waitingBytes: 400_000,
  valueMembers: 100_000,
  updateParts: 100_000,
  sockets: 100,
  unauthenticatedSockets: 100,
  authenticationMs: 10_000,
  // some thousand edits of the simulation: each counts 256 bytes more than it has
  queuedBytes: 1_000_000,
  socketBufferBytes: 1_000_000,
  outgoingBytes: 100_000_000,
  socketsPerAddress: 100,
  socketsPerUser: 100,
  sessionsPerUser: 1_000,
  messagesPerSecond: 10_000,
  requestsPerSecond: 1_000,
  newSocketsPerSecond: 300,
  bytesPerSecond: 100_000_000,
}
export const shutdownMs = 10_000

const anybody = { userId: 'anybody', userName: null, tokenId: null, level: 'admin', expiresAt: null } as const

/** One Tidemark server from its start to its end: everything behind the accepted socket is the real thing. */
export class Node {
  readonly process: SimulatedProcess
  readonly sync: SyncServer
  readonly failures: SyncFailure[] = []
  state: 'running' | 'stopping' | 'gone' = 'running'
  /** How many updates a shutdown left. */
  left: number | null = null
  /** When it was asked to stop; null until then. */
  stoppedAt: number | null = null
  readonly #world: NodeWorld
  readonly #sockets = new Set<SimulatedSocket>()

  constructor(world: NodeWorld, failed: (failure: SyncFailure) => void) {
    this.#world = world
    const { timeline, random, storage } = world
    this.process = new SimulatedProcess(timeline, world.wallClock)
    const clock: Clock = {
      now: world.wallClock,
      // the process's own timers, so that they die with it
      after: (delay, callback) => {
        const timer = setTimeout(callback, delay)
        return () => clearTimeout(timer)
      },
      random: () => random.next(),
    }
    this.sync = this.process.run(
      () =>
        new SyncServer({
          memory: new Memory(),
          config: {
            limits,
            journal: { windowMs: 2 },
            snapshots: { debounceMs: 300, maxDebounceMs: 1_000 },
            auth: { mode: 'secret' },
          },
          database: storage.open(this.process),
          authoriser: world.authoriser ?? { authorise: async () => anybody, authoriseAdmin: async () => anybody },
          revocations: { check: () => {}, isRevoked: () => false, changed: () => {} },
          clock,
          version: 'simulated',
          checkUpgrade: () => null,
          onFailure: (failure) => {
            this.failures.push(failure)
            failed(failure)
          },
        }),
    )
  }

  /** @returns null when nobody is accepted */
  connect(caller: Caller): SimulatedSocket | null {
    if (this.state !== 'running') return null
    const { timeline, random } = this.#world
    const socket = new SimulatedSocket({ timeline, random, process: this.process }, caller)
    this.#sockets.add(socket)
    this.process.run(() => this.sync.serve(socket.served, socket.transport, '127.0.0.1'))
    return socket
  }

  kill(): void {
    if (this.state === 'gone') return
    this.state = 'gone'
    this.process.kill()
    for (const socket of this.#sockets) socket.lose()
  }

  /** SIGTERM. */
  stop(): void {
    if (this.state !== 'running') return
    this.state = 'stopping'
    this.stoppedAt = this.#world.timeline.time
    void this.process.run(async () => {
      this.left = await this.sync.stop(shutdownMs)
      this.state = 'gone'
    })
  }
}
