import * as Y from 'yjs'
import type { Timeline } from '../../../client/src/testing/timeline.ts'
import { sqlState } from '../../../server/src/database/failures.ts'
import type { SyncFailure } from '../../../server/src/sync.ts'
import { Coverage, unitsOf } from '../world/coverage.ts'
import { differences, Held, stateOf } from './held.ts'
import { limits, type Node } from './node.ts'
import type { SimulatedProcess } from './process.ts'
import type { Replica, Write } from './replica.ts'
import { Restraint } from './restraint.ts'
import { recoveryMs, Servers, tellMs } from './servers.ts'
import { type DocumentName, documents } from './steps.ts'
import type { Storage } from './storage/storage.ts'
import type { StoredDocument } from './storage/tables.ts'
import { StoredOnce } from './stored-once.ts'
import { Wellbeing } from './wellbeing.ts'
import type { Writer } from './writer.ts'

/** A promise of the specification that was not kept. */
export class Broken extends Error {
  override readonly name = 'Broken'
}

/** How long an edit of a document that is well may wait because of others, in ms (R6.18). */
const boundMs = 3_000
/** Until a document that was in trouble is tried again. */
const retryMs = 2_500
/** Until a connection that died silently while the database was in trouble is given up (R7.10). */
const silentMs = 5_000

/** What must be true at each moment, whatever has happened. */
export class Promises {
  readonly nodes: Node[] = []
  readonly writers: Writer[] = []
  /** Rewound commits: what was lost, and which documents in memory had it. */
  readonly #lost = new Map<DocumentName, Map<string, Set<unknown>>>()
  readonly #committed = new Map<DocumentName, Held>()
  /** Whatever was committed at some time. */
  readonly #ever = new Map<DocumentName, Held>()
  readonly #acknowledged = new Map<DocumentName, Set<string>>()
  readonly restraint: Restraint
  readonly #timeline: Timeline
  readonly #storage: () => Storage
  readonly #wellbeing: Wellbeing
  readonly #servers: Servers
  readonly #storedOnce = new StoredOnce((what) => this.complain(what))
  /** What was refused stays with its author. */
  readonly #refused = new Set<string>()
  #trouble: string | null = null

  constructor(timeline: Timeline, storage: () => Storage) {
    this.#timeline = timeline
    this.restraint = new Restraint(timeline, (what) => this.complain(what))
    this.#storage = storage
    this.#wellbeing = new Wellbeing(timeline, storage)
    this.#servers = new Servers(timeline, this.#wellbeing, (what) => this.complain(what))
    for (const name of documents) {
      this.#lost.set(name, new Map())
      this.#committed.set(name, new Held())
      this.#ever.set(name, new Held())
      this.#acknowledged.set(name, new Set())
    }
  }

  complain(what: string): void {
    this.#trouble ??= what
  }

  /** @throws {Broken} */
  answer(): void {
    if (this.#trouble) throw new Broken(this.#trouble)
  }

  // ——— what the database does ———

  /** A statement has run: what it wrote counts at once. */
  ran(statement: string, values: readonly unknown[], process: SimulatedProcess): void {
    const { tables } = this.#storage()
    if (statement === 'tidemark-snapshot-save') {
      const document = tables.byId(Number(values[0]))
      if (document) this.#checkSnapshots(document)
    }
    if (statement !== 'tidemark-journal-commit') return
    for (const document of tables.documents.values()) {
      this.#look(document)
      this.#storedOnce.look(document, process)
    }
  }

  readonly #seen = new Map<DocumentName, number>()
  #look({ name, head, updates }: StoredDocument): void {
    const [committed, ever] = [this.#committed.get(name as DocumentName)!, this.#ever.get(name as DocumentName)!]
    for (let revision = (this.#seen.get(name as DocumentName) ?? 0) + 1; revision <= head; revision++) {
      const row = updates.get(revision)
      if (!row) this.complain(`[R7.1] ${name} has a head of ${head} and no revision ${revision}`)
      else for (const held of [committed, ever]) held.add(row.committed)
    }
    if (head !== this.#seen.get(name as DocumentName)) this.restraint.stored(name)
    if (updates.size !== head) this.complain(`[R7.1] ${name} has ${updates.size} revisions up to ${head}`)
    this.#seen.set(name as DocumentName, head)
  }

  /** The newest commits are gone. */
  rewound(): void {
    this.excuse()
    this.#storedOnce.rewound(this.#storage().tables.documents.values())
    for (const document of this.#storage().tables.documents.values()) {
      const name = document.name as DocumentName
      const before = this.#committed.get(name)!
      const after = new Held([...document.updates.values()].map(({ committed }) => committed))
      this.#committed.set(name, after)
      this.#seen.set(name, document.head)
      for (const unit of before.said) {
        if (after.said.has(unit)) continue
        const holders = this.nodes.flatMap((node) => {
          const held = node.state === 'gone' ? undefined : node.sync.documents.get(name)?.document
          return held && new Coverage().add(Y.encodeStateAsUpdate(held)).holds([unit]) ? [held] : []
        })
        this.#lost.get(name)!.set(unit, new Set(holders))
      }
    }
  }

  /** [R7.13] A snapshot at a revision is exactly the journal up to there. */
  #checkSnapshots({ name, updates, snapshots }: StoredDocument): void {
    const [revision] = [...snapshots.keys()].sort((a, b) => b - a)
    if (revision === undefined) return
    const snapshot = snapshots.get(revision)!
    // what it says that it lacks, because it could not be read (R7.9)
    const lacking = new Set(snapshot.missing.split(',').map(Number))
    const rows = [...updates].filter(([other, row]) => other <= revision && !(row.wasDamaged && lacking.has(other)))
    const expected = stateOf(rows.map(([, { committed }]) => committed))
    const { onlyOne: missing, onlyOther: more } = differences(expected, snapshot.committed)
    if (missing.length > 0)
      this.complain(`[R7.5] a snapshot of ${name} claims revision ${revision} and lacks ${missing}`)
    if (more.length > 0) {
      this.complain(`[R7.13] a snapshot of ${name} at revision ${revision} has ${more}, which the journal has not`)
    }
  }

  // ——— what writers say and hear ———

  /** What somebody sent as a hole, before its author could send it whole. */
  readonly #holes = new Set<string>()
  wrote(_: Replica, { units, contents }: Write): void {
    const whole = new Set(contents)
    for (const unit of units) if (!whole.has(unit)) this.#holes.add(unit)
  }

  acknowledged(writer: Writer, { name }: Replica, { units, contents }: Write): void {
    const missing = this.#ever.get(name)!.lacking(units)
    if (missing.length > 0) {
      this.complain(`[R1.1] ${writer.name} was told that ${missing.slice(0, 5)} of ${name} is saved, and it is not`)
    }
    const holes = contents.filter((unit) => !this.#ever.get(name)!.contents.has(unit) && !this.#holes.has(unit))
    if (missing.length === 0 && holes.length > 0) {
      this.complain(`[R1.8] ${writer.name} wrote ${holes.slice(0, 5)} in ${name}, and the journal holds a hole`)
    }
    for (const unit of units) this.#acknowledged.get(name)!.add(unit)
  }

  saved(writer: Writer, replica: Replica): void {
    const ever = this.#ever.get(replica.name)!
    replica.edits = replica.edits.filter(({ units, isSaid }) => {
      if (!isSaid) return true
      const isStored = ever.lacking(units).length === 0
      if (!isStored) {
        this.complain(
          `[R1.1] ${writer.name} reads "Saved" in ${replica.name}, and the journal lacks ${units.slice(0, 5)}`,
        )
      }
      for (const unit of units) this.#acknowledged.get(replica.name)!.add(unit)
      return !isStored
    })
  }

  refused(writer: Writer, replica: Replica, { units }: Write): void {
    replica.edits = replica.edits.filter((edit) => !edit.units.some((unit) => units.includes(unit)))
    const code = replica.lastError
    const size = this.#sizeOf(replica.name)
    // what the database refused for its rows, and what builds on it; and what repeats all that there is counts twice
    const isRight =
      (code === 'document-write-failed' && this.#wellbeing.refusing.has(replica.name)) ||
      (code === 'document-too-large' && size > limits.documentBytes / 3)
    for (const unit of units) this.#refused.add(unit)
    if (isRight) return
    this.complain(`[R5.4] ${writer.name} was refused an honest edit of ${replica.name} of ${size} bytes: ${code}`)
  }

  /** Of the document as it is stored, and in memory, where it may be ahead. */
  #sizeOf(name: DocumentName): number {
    const stored = this.#storage().tables.documents.get(name)?.updates ?? []
    const held = this.nodes.flatMap((node) => {
      const open = node.state === 'gone' ? undefined : node.sync.documents.get(name)
      return open ? [Y.encodeStateAsUpdate(open.document)] : []
    })
    const sizes = [stateOf([...stored].map(([, { committed }]) => committed)), ...held].map((state) => state.byteLength)
    return Math.max(...sizes)
  }

  // ——— after each step ———

  /** @throws {Broken} */
  check(): void {
    this.#wellbeing.look()
    for (const writer of this.writers)
      for (const replica of writer.replicas.values()) this.#checkReplica(writer, replica)
    for (const node of this.nodes) this.#servers.check(node)
    this.answer()
  }

  /** All connections were cut. */
  excuse(): void {
    this.#wellbeing.forget()
    this.#wellbeing.look()
  }

  #checkReplica(writer: Writer, replica: Replica): void {
    const { name, writes, openedAt, session } = replica
    const [oldest] = writes
    const [all, own] = [this.#wellbeing.since('all'), this.#wellbeing.since(name)]
    const since = Math.max(all + silentMs, own + retryMs, openedAt)
    if (session !== 'open') return
    const now = this.#timeline.time
    if (oldest) this.#checkRefused(name, oldest.sentAt)
    if (oldest && !writer.isDeaf && now - Math.max(oldest.sentAt, since) > boundMs) {
      this.complain(`[R6] ${writer.name} has waited ${now - oldest.sentAt} ms in ${name}, which is well`)
    }
    const unawares = oldest && replica.isComplete && !writer.isDeaf && !replica.isToldAway
    const silence = unawares ? now - Math.max(oldest.sentAt, replica.answeredAt) : 0
    if (silence > tellMs) {
      this.complain(`[R5.5] ${writer.name} has waited ${silence} ms in ${name}, and nobody has told why`)
    }
    if (
      replica.isToldAway &&
      !writer.isDeaf &&
      now - Math.max(all, own, openedAt) > recoveryMs &&
      this.#storage().troubles.isNone
    ) {
      this.complain(`[R5.5] ${writer.name} still reads that the database is away`)
    }
  }

  /** [R6.2] What the database refuses for its rows is not tried for ever. */
  readonly #writeFailed = new Map<string, number>()
  #checkRefused(name: DocumentName, oldest: number): void {
    const now = this.#timeline.time
    const refusedSince = this.#wellbeing.refusedSince.get(name)
    if (refusedSince === undefined || now - Math.max(refusedSince, oldest) < boundMs + silentMs) return
    if (now - this.#wellbeing.since('all') < boundMs + silentMs) return
    if ((this.#writeFailed.get(name) ?? 0) < refusedSince) {
      this.complain(`[R6.2] the database refuses ${name}, and nobody has been told`)
    }
  }

  failed({ code, cause, documentName }: SyncFailure): void {
    if (code === 'document-write-failed' && documentName) this.#writeFailed.set(documentName, this.#timeline.time)
    // refused at the gate it costs nobody anything
    if (code === 'document-write-failed' && documentName && sqlState(cause)) this.restraint.refused(documentName)
    if (code === 'database-set-back' && documentName) this.#storedOnce.mended(documentName)
    if (code === 'internal') this.complain(`[R5] internal: ${cause instanceof Error ? cause.stack : String(cause)}`)
  }

  // ——— at the end ———

  /** [R3] All that was acknowledged, and all that those who are here have, is in the journal. */
  checkKept(): void {
    for (const name of documents) {
      const committed = this.#committed.get(name)!
      const lost = this.#lost.get(name)!
      for (const unit of committed.lacking(this.#acknowledged.get(name)!)) {
        const holders = lost.get(unit)
        const isHeld = this.nodes.some((node) => {
          const document = node.state === 'running' ? node.sync.documents.get(name)?.document : undefined
          return document !== undefined && holders?.has(document)
        })
        if (!holders || isHeld) this.complain(`[R3] ${unit} of ${name} was acknowledged, and is not in the journal`)
      }
      for (const writer of this.writers) {
        const replica = writer.replicas.get(name)
        if (replica?.session !== 'open' || replica.writes.length > 0) continue
        const held = unitsOf(Y.encodeStateAsUpdate(replica.doc)).filter((unit) => !this.#refused.has(unit))
        const missing = committed.lacking(held)
        if (missing.length > 0) {
          this.complain(
            `[R1.1] ${writer.name} reads "Saved" in ${name} at the end, and the journal lacks ${missing.slice(0, 5)}`,
          )
        }
      }
    }
  }
}
