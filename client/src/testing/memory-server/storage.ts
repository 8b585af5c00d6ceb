import * as Y from 'yjs'
import type { Chance } from '../chance.ts'
import type { Timeline } from '../timeline.ts'

/** What is durable of one document: it survives the server. */
export interface Journal {
  readonly epoch: string
  readonly rows: Uint8Array[]
  /** Of each row: the token of the session that brought it. */
  readonly tokens: string[]
}

/** What the running server has appended to a document's journal, and how much of it is committed. */
export interface Line {
  readonly journal: Journal
  appended: number
  durable: number
  waiting: { readonly position: number; readonly release: () => void }[]
}

interface Write {
  readonly line: Line
  readonly update: Uint8Array
  readonly token: string
}

/** Stands for Postgres: rows appended now are committed a while later, in order, or when it is back. */
export class Storage {
  /** ms from an append to its commit */
  commitDelay = 1
  readonly #timeline: Timeline
  readonly #chance: Chance
  readonly #journals = new Map<string, Journal>()
  #isAway = false
  /** Came while the storage was away. */
  #stuck: Write[] = []
  #lastCommit = 0
  /** One for each life of the server: what a killed one had not committed is gone. */
  #life = 0

  constructor(timeline: Timeline, chance: Chance) {
    this.#timeline = timeline
    this.#chance = chance
  }

  get isAway(): boolean {
    return this.#isAway
  }

  get(name: string): Journal | undefined {
    return this.#journals.get(name)
  }

  names(): string[] {
    return [...this.#journals.keys()]
  }

  /** The document's journal; begins one, and with it an epoch, when there is none. */
  open(name: string): Journal {
    let journal = this.#journals.get(name)
    if (!journal) this.#journals.set(name, (journal = { epoch: this.#chance.uuid(), rows: [], tokens: [] }))
    return journal
  }

  reset(name: string): void {
    this.#journals.delete(name)
  }

  read(name: string): Y.Doc {
    const doc = new Y.Doc({ guid: name })
    const rows = this.#journals.get(name)?.rows ?? []
    Y.transact(doc, () => {
      for (const row of rows) Y.applyUpdate(doc, row)
    })
    return doc
  }

  append(line: Line, update: Uint8Array, token: string): void {
    line.appended++
    const write = { line, update, token }
    const life = this.#life
    this.#lastCommit = Math.max(this.#lastCommit, this.#timeline.time + this.commitDelay)
    this.#timeline.effectAt(this.#lastCommit, () => {
      if (life !== this.#life) return
      if (this.#isAway || this.#stuck.length > 0) this.#stuck.push(write)
      else commit(write)
    })
  }

  goAway(): void {
    this.#isAway = true
  }

  comeBack(): void {
    if (!this.#isAway) return
    this.#isAway = false
    const life = this.#life
    this.#timeline.effectAt(this.#timeline.time + this.commitDelay, () => {
      if (life !== this.#life || this.#isAway) return
      const stuck = this.#stuck
      this.#stuck = []
      for (const write of stuck) commit(write)
    })
  }

  /** What is not committed is gone. */
  forgetUncommitted(): void {
    this.#life++
    this.#stuck = []
    this.#lastCommit = 0
  }
}

function commit({ line, update, token }: Write): void {
  line.journal.rows.push(update)
  line.journal.tokens.push(token)
  line.durable++
  while (line.waiting[0] && line.waiting[0].position <= line.durable) line.waiting.shift()?.release()
}

/** Calls back once all that has been appended up to now is committed. */
export function whenDurable(line: Line, release: () => void): void {
  if (line.durable === line.appended) release()
  else line.waiting.push({ position: line.appended, release })
}
