import * as Y from 'yjs'
import type { Timeline } from '../../../client/src/testing/timeline.ts'
import type { SyncFailure } from '../../../server/src/sync.ts'
import { Coverage, unitsOf } from '../world/coverage.ts'
import { differences, Held, stateOf } from './held.ts'
import { limits, type Node } from './node.ts'
import type { Replica, Write } from './replica.ts'
import { type DocumentName, documents } from './steps.ts'
import type { Storage } from './storage/storage.ts'
import type { StoredDocument } from './storage/tables.ts'
import type { Writer } from './writer.ts'

/** A promise of the specification that was not kept. */
export class Broken extends Error {
  override readonly name = 'Broken'
}

/** How long an edit of a document that is well may wait because of others, in ms (R6.14). */
const boundMs = 3_000
/** Until a document that was in trouble is tried again. */
const retryMs = 2_500
/** Until a connection that died silently while the database was in trouble is given up (R7.10). */
const silentMs = 5_000
/** How long after the last trouble all must be as if there had been none. */
const recoveryMs = 8_000

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
  readonly #timeline: Timeline
  readonly #storage: () => Storage
  /** Since when each document, or the whole, has been well; absent while it is not. */
  readonly #wellSince = new Map<DocumentName | 'all', number>()
  /** Documents whose rows the database refused at some time, and what was refused. */
  readonly #refusing = new Set<DocumentName>()
  readonly #refused = new Set<string>()
  #trouble: string | null = null

  constructor(timeline: Timeline, storage: () => Storage) {
    this.#timeline = timeline
    this.#storage = storage
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
  ran(statement: string, values: readonly unknown[]): void {
    const { tables } = this.#storage()
    if (statement === 'tidemark-snapshot-save') {
      const document = tables.byId(Number(values[0]))
      if (document) this.#checkSnapshots(document)
    }
    if (statement !== 'tidemark-journal-commit') return
    for (const document of tables.documents.values()) this.#look(document)
  }

  readonly #seen = new Map<DocumentName, number>()
  #look({ name, head, updates }: StoredDocument): void {
    const [committed, ever] = [this.#committed.get(name as DocumentName)!, this.#ever.get(name as DocumentName)!]
    for (let revision = (this.#seen.get(name as DocumentName) ?? 0) + 1; revision <= head; revision++) {
      const row = updates.get(revision)
      if (!row) this.complain(`[R7.1] ${name} has a head of ${head} and no revision ${revision}`)
      else for (const held of [committed, ever]) held.add(row.committed)
    }
    if (updates.size !== head) this.complain(`[R7.1] ${name} has ${updates.size} revisions up to ${head}`)
    this.#seen.set(name as DocumentName, head)
  }

  /** The newest commits are gone. */
  rewound(): void {
    this.excuse()
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

  /** [R7.5] A snapshot at a revision is exactly the journal up to there. */
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
      this.complain(`[R7.5] a snapshot of ${name} at revision ${revision} has ${more}, which the journal has not`)
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
    // what the database refused for its rows, and what builds on it, is kept by its author
    if (code === 'document-write-failed' && this.#refusing.has(replica.name)) {
      for (const unit of units) this.#refused.add(unit)
      return
    }
    const { tables } = this.#storage()
    const document = tables.documents.get(replica.name)
    const size = document ? stateOf([...document.updates.values()].map(({ committed }) => committed)).byteLength : 0
    if (code === 'document-too-large' && size > limits.documentBytes / 2) return
    this.complain(`[R5.4] ${writer.name} was refused an honest edit of ${replica.name} of ${size} bytes: ${code}`)
  }

  // ——— after each step ———

  /** @throws {Broken} */
  check(): void {
    this.#noteTroubles()
    for (const writer of this.writers)
      for (const replica of writer.replicas.values()) this.#checkReplica(writer, replica)
    for (const node of this.nodes) this.#checkNode(node)
    this.answer()
  }

  #noteTroubles(): void {
    const { troubles } = this.#storage()
    const note = (what: DocumentName | 'all', isWell: boolean) => {
      if (!isWell) this.#wellSince.delete(what)
      else if (!this.#wellSince.has(what)) this.#wellSince.set(what, this.#timeline.time)
    }
    note('all', !troubles.isGeneral)
    for (const name of documents) {
      note(name, !troubles.documents.has(name))
      if (troubles.documents.get(name) === '22021') this.#refusing.add(name)
    }
  }

  /** All connections were cut. */
  excuse(): void {
    this.#wellSince.clear()
    this.#noteTroubles()
  }

  #checkReplica(writer: Writer, replica: Replica): void {
    const { name, writes, openedAt, session } = replica
    const [oldest] = writes
    const [all, own] = [this.#wellSince.get('all') ?? Infinity, this.#wellSince.get(name) ?? Infinity]
    const since = Math.max(all + silentMs, own + retryMs, openedAt)
    if (session !== 'open') return
    const now = this.#timeline.time
    if (oldest && !writer.isDeaf && now - Math.max(oldest.sentAt, since) > boundMs) {
      this.complain(`[R6] ${writer.name} has waited ${now - oldest.sentAt} ms in ${name}, which is well`)
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

  #checkNode(node: Node): void {
    if (node.state === 'gone') return
    const since = Math.max(...['all' as const, ...documents].map((what) => this.#wellSince.get(what) ?? Infinity))
    if (this.#timeline.time - since > recoveryMs && !node.sync.journal.available && node.state === 'running') {
      this.complain('[W2] a server is not ready, and its database has long been well')
    }
    const [line] = node.process.printed
    if (line !== undefined) this.complain(`[R5] a server printed ${line.slice(0, 800)}`)
  }

  failed({ code, cause }: SyncFailure): void {
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

  /** [R7.2] A fresh load shows exactly the journal. */
  checkLoaded(name: DocumentName, loaded: Y.Doc): void {
    const document = this.#storage().tables.documents.get(name)
    if (!document) return
    const rows = [...document.updates.values()].map(({ committed }) => committed)
    const { onlyOne: missing, onlyOther: more } = differences(stateOf(rows), Y.encodeStateAsUpdate(loaded))
    if (missing.length > 0) this.complain(`[R7.2] ${name}, loaded anew, lacks ${missing.slice(0, 5)}`)
    if (more.length > 0)
      this.complain(`[R7.2] ${name}, loaded anew, has ${more.slice(0, 5)}, which is not in the journal`)
  }
}
