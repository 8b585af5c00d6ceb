import type { Clock } from '@tidemark/shared'
import { Awareness, applyAwarenessUpdate, encodeAwarenessUpdate, removeAwarenessStates } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { keepTime } from '../presence-time.ts'
import { awarenessFrame, syncFrame } from './frames.ts'
import type { ServerSession } from './session.ts'
import { type Line, type Storage, whenDurable } from './storage.ts'

interface AwarenessChange {
  readonly added: number[]
  readonly updated: number[]
  readonly removed: number[]
}

/** The origin of an edit: whose it is, and the bytes it came in. */
export interface Writing {
  readonly session: ServerSession
  readonly update: Uint8Array
  /** Updates are for everybody; what a handshake brings is for the server first. */
  readonly isBroadcast: boolean
}

/** A document in the server's memory: what peers get at once, and what is on its way into the journal. */
export class LiveDocument {
  readonly name: string
  readonly doc: Y.Doc
  readonly line: Line
  readonly #sessions = new Set<ServerSession>()
  /** By Yjs client: the session that brought its presence last. */
  readonly #presentBy = new Map<number, ServerSession>()
  readonly #awareness: Awareness
  readonly #storage: Storage

  constructor(name: string, storage: Storage, clock: Clock) {
    this.name = name
    this.#storage = storage
    this.line = { journal: storage.open(name), appended: 0, durable: 0, waiting: [] }
    this.doc = storage.read(name)
    this.#awareness = new Awareness(this.doc)
    keepTime(this.#awareness, clock)
    this.#awareness.setLocalState(null)
    this.#awareness.on('update', (change: AwarenessChange, origin: unknown) => this.#presenceChanged(change, origin))
    this.doc.on('update', (update: Uint8Array, origin: unknown) => this.#changed(update, origin as Writing))
  }

  get isUnused(): boolean {
    return this.#sessions.size === 0 && this.line.durable === this.line.appended
  }

  get revision(): number {
    return this.line.journal.rows.length
  }

  get sessions(): ServerSession[] {
    return [...this.#sessions]
  }

  join(session: ServerSession): void {
    this.#sessions.add(session)
    const clients = [...this.#awareness.getStates().keys()]
    if (clients.length > 0)
      session.send(awarenessFrame(session.address, encodeAwarenessUpdate(this.#awareness, clients)))
  }

  leave(session: ServerSession): void {
    this.#sessions.delete(session)
    removeAwarenessStates(this.#awareness, this.#broughtBy(session), null)
  }

  /**
   * Applies an edit; peers get it at once, the journal in its time.
   * @throws when it does not apply
   */
  write(writing: Writing): void {
    const held = this.#heldBack()
    Y.applyUpdate(this.doc, writing.update, writing)
    // Yjs emits nothing for what it keeps until its predecessors come; it must be stored all the same (R1.4)
    if (this.#heldBack().some((now, index) => now !== null && now !== held[index])) {
      this.#storage.append(this.line, writing.update, writing.session.token)
    }
  }

  /** It leaves memory. */
  close(): void {
    this.#awareness.destroy()
  }

  whenDurable(release: () => void): void {
    whenDurable(this.line, release)
  }

  applyPresence(session: ServerSession, update: Uint8Array, gone: readonly number[]): void {
    const leaving = gone.filter((client) => this.#presentBy.get(client) === session)
    if (leaving.length > 0) removeAwarenessStates(this.#awareness, leaving, session)
    applyAwarenessUpdate(this.#awareness, update, session)
  }

  #broughtBy(session: ServerSession): number[] {
    return [...this.#presentBy].flatMap(([client, by]) => (by === session ? [client] : []))
  }

  #heldBack(): unknown[] {
    const { pendingStructs, pendingDs } = this.doc.store
    return [pendingStructs?.update ?? null, pendingDs]
  }

  #changed(update: Uint8Array, { session: writer, update: written, isBroadcast }: Writing): void {
    this.#storage.append(this.line, update, writer.token)
    for (const session of this.#sessions) {
      const isEcho = session === writer && isBroadcast && isEqual(update, written)
      if (!isEcho) session.send(syncFrame(session.address, 'update', update))
    }
  }

  #presenceChanged({ added, updated, removed }: AwarenessChange, origin: unknown): void {
    for (const client of [...added, ...updated]) this.#presentBy.set(client, origin as ServerSession)
    for (const client of removed) this.#presentBy.delete(client)
    const states = encodeAwarenessUpdate(this.#awareness, [...added, ...updated, ...removed])
    for (const session of this.#sessions) session.send(awarenessFrame(session.address, states))
  }
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.byteLength === other.byteLength && one.every((byte, index) => byte === other[index])
}
