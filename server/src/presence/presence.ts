import { type Connection, type Document, isTransactionOrigin } from '@hocuspocus/server'
import type { Clock } from '@tidemark/shared'
import * as encoding from 'lib0/encoding'
import { applyAwarenessUpdate, removeAwarenessStates } from 'y-protocols/awareness'
import type { ConnectionContext } from '../sockets/context.ts'
import { encodeAddress, presenceFrame } from '../sockets/frames.ts'
import { Allowance, type PresenceLimits, type Room, type Standing } from './allowance.ts'
import { Coalescer } from './coalescer.ts'
import { DepartedPeople } from './departed.ts'
import { type Entry, encodeEntries, isFarewell, readEntries, readState } from './entries.ts'

/** How many states of full size a session may bring, and a document may hold, in all. */
const fullStatesOfSession = 4
const fullStatesOfDocument = 512
const mostStatesOfDocument = 10_000

interface AwarenessChange {
  added: number[]
  updated: number[]
  removed: number[]
}

/** Who is here in one document, and who may say so (R6.21, R8.6, S7). Hocuspocus's `awareness` holds the states. */
export class Presence {
  readonly #document: Document
  readonly #limits: PresenceLimits
  readonly #clock: Clock
  readonly #departed = new DepartedPeople()
  /** Which session brought a person last, and their state as JSON. */
  readonly #present = new Map<number, { bringer: Connection; text: string; bytes: number }>()
  /** What is being applied. */
  #incoming = new Map<number, string>()
  readonly #coalescer: Coalescer<Connection, ReturnType<typeof addressedOnce>>
  #bytes = 0

  constructor(document: Document, limits: PresenceLimits, clock: Clock) {
    this.#document = document
    this.#limits = limits
    this.#clock = clock
    const { awareness } = document
    this.#coalescer = new Coalescer(
      {
        recipients: () => document.getConnections(),
        encode: (changed) => {
          const update = this.#encode(changed)
          return { message: addressedOnce(update), bytes: update.byteLength }
        },
        send: (connection, message) => connection.send(message(connection.messageAddress)),
      },
      clock,
    )
    // Hocuspocus's listeners: one sends each turn's changes to everybody, encoded for each session; the other lists
    // everybody for each move of anybody, for a hook that nobody hangs on. What they note of sessions is noted here.
    awareness._observers.delete('update')
    awareness.on('update', (change: AwarenessChange, origin: unknown) => this.#changed(change, origin))
    document.on('destroy', () => this.#coalescer.close())
  }

  /**
   * Takes what a session says of who is here: of its own people and of new ones. What is known already, and what it says of
   * somebody who is another user's, is passed over.
   * @returns what it said that is too much; null when nothing is
   * @throws when the message is malformed
   */
  receive(connection: Connection, update: Uint8Array): Error | null {
    const { awareness, connections } = this.#document
    const own = connections.get(connection)?.clients as Set<number> | undefined
    if (!own) return null
    const news = readEntries(update).filter((entry) => this.#isNews(entry, connection))
    const allowance = new Allowance(this.#roomFor(own), this.#limits)
    const told = news.filter((entry) => !isFarewell(entry) && allowance.takes(entry, this.#standingOf(entry, own)))
    const leaving = news.filter((entry) => isFarewell(entry) && own.has(entry.client))
    const origin = { source: 'connection' as const, connection }
    this.#incoming = new Map(told.map((entry) => [entry.client, readState(entry)]))
    if (told.length > 0) applyAwarenessUpdate(awareness, encodeEntries(told), origin)
    if (leaving.length > 0) {
      const clients = leaving.map(({ client }) => client)
      removeAwarenessStates(awareness, clients, origin)
    }
    return allowance.excess
  }

  #isNews(entry: Entry, connection: Connection): boolean {
    const { client, clock } = entry
    const { awareness } = this.#document
    const known = awareness.meta.get(client)
    if (client === awareness.clientID) return false
    if (known && (clock < known.clock || (clock === known.clock && !isFarewell(entry)))) return false
    const bringer = this.#present.get(client)?.bringer
    if (bringer) {
      return bringer === connection || !this.#document.connections.has(bringer) || isSameUser(bringer, connection)
    }
    const departed = this.#departed.get(client, this.#clock.now())
    return !departed || (departed.userId === userOf(connection) && clock > departed.clock)
  }

  /** How many more people, and bytes of them, the session may bring. */
  #roomFor(own: ReadonlySet<number>): Room {
    const { presenceStateBytes, presenceStates } = this.#limits
    let bytes = 0
    for (const client of own) bytes += this.#present.get(client)?.bytes ?? 0
    return {
      people: Math.min(presenceStates - own.size, mostStatesOfDocument - this.#present.size),
      bytes: Math.min(
        fullStatesOfSession * presenceStateBytes - bytes,
        fullStatesOfDocument * presenceStateBytes - this.#bytes,
      ),
    }
  }

  #standingOf({ client }: Entry, own: ReadonlySet<number>): Standing {
    const known = this.#document.awareness.meta.get(client)?.clock ?? this.#departed.get(client, 0)?.clock ?? 0
    return { isOwn: own.has(client), bytes: this.#present.get(client)?.bytes ?? 0, clock: known }
  }

  #changed({ added, updated, removed }: AwarenessChange, origin: unknown): void {
    const { meta } = this.#document.awareness
    const connection = isTransactionOrigin(origin) && origin.source === 'connection' ? origin.connection : null
    for (const client of [...added, ...updated]) {
      this.#departed.forget(client)
      if (connection) this.#brought(client, connection)
      this.#coalescer.changed(client, meta.get(client)?.clock ?? 0)
    }
    for (const client of removed) {
      const clock = meta.get(client)?.clock ?? 0
      const { bringer, bytes } = this.#present.get(client) ?? { bringer: null, bytes: 0 }
      this.#present.delete(client)
      this.#bytes -= bytes
      if (bringer) {
        this.#document.connections.get(bringer)?.clients.delete(client)
        this.#departed.note(client, { userId: userOf(bringer), clock, since: this.#clock.now() })
      }
      meta.delete(client)
      this.#coalescer.changed(client, clock)
    }
  }

  /**
   * Ties a person to the session that spoke for them last, so that they go when it goes (C5). Hocuspocus ties only those
   * that are new to the document: somebody who reconnects would stay as a ghost for 30 s after leaving. And when another tab
   * leads their browser now, or the old line is not known to be dead yet, the old session must not take them along.
   */
  #brought(client: number, connection: Connection): void {
    const before = this.#present.get(client)
    const { connections, awareness } = this.#document
    if (before && before.bringer !== connection) connections.get(before.bringer)?.clients.delete(client)
    connections.get(connection)?.clients.add(client)
    const text = this.#incoming.get(client) ?? JSON.stringify(awareness.states.get(client))
    const bytes = Buffer.byteLength(text)
    this.#present.set(client, { bringer: connection, text, bytes })
    this.#bytes += bytes - (before?.bytes ?? 0)
  }

  #encode(changed: ReadonlyMap<number, number>): Uint8Array {
    const { states, meta } = this.#document.awareness
    const encoder = encoding.createEncoder()
    encoding.writeVarUint(encoder, changed.size)
    for (const [client, clock] of changed) {
      const state = states.get(client) ?? null
      encoding.writeVarUint(encoder, client)
      encoding.writeVarUint(encoder, state === null ? clock : (meta.get(client)?.clock ?? clock))
      encoding.writeVarString(encoder, this.#present.get(client)?.text ?? JSON.stringify(state))
    }
    return encoding.toUint8Array(encoder)
  }
}

const userOf = ({ context }: Connection): string | null => (context as ConnectionContext).access?.userId ?? null

const isSameUser = (one: Connection, other: Connection): boolean => userOf(one) === userOf(other)

/** The frame for each address; those who are addressed alike, one after the other, get the same one. */
function addressedOnce(update: Uint8Array): (address: string) => Uint8Array {
  let last: { address: string; frame: Uint8Array } | null = null
  return (address) => {
    if (last?.address !== address) last = { address, frame: presenceFrame(encodeAddress(address), update) }
    return last.frame
  }
}
