import type { TidemarkDocument } from '../document.ts'
import type { FlushOptions } from '../flush.ts'
import { assertDuration, type Settings } from '../options.ts'
import type { LocalCopies } from '../store/local-copies.ts'
import type { Priority } from './batches.ts'
import { type CatchUpOptions, type CatchUpResult, type CatchUpRun, catchUp } from './catch-up.ts'
import { Leftovers } from './leftovers.ts'

export interface BacklogMeans {
  readonly settings: Settings
  readonly copies: LocalCopies
  /** Those that are open. */
  readonly documents: () => readonly TidemarkDocument[]
  readonly open: (name: string) => TidemarkDocument
}

/** What a client has to save, in documents that are open and in those that are not. */
export class Backlog {
  readonly #means: BacklogMeans
  readonly #leftovers: Leftovers | null
  readonly #priorities = new Map<string, Priority>()
  /** Documents that only catching up has opened: how many are at it. */
  readonly #borrowed = new Map<string, number>()

  constructor(means: BacklogMeans) {
    const { catchUp, clock } = means.settings
    this.#means = means
    this.#leftovers =
      catchUp === 'manual'
        ? null
        : new Leftovers({
            clock,
            // a follower shows its leader's connection, and has none of its own
            isWorthTrying: () => {
              const open = means.documents()
              return open.length === 0 || open.some(({ connectionStatus }) => connectionStatus === 'connected')
            },
            catchUp: (names) => this.#catchUpAlone(names),
          })
  }

  connected(): void {
    this.#leftovers?.connected()
  }

  /** Whoever opens a document has it: it is not closed when it is saved. @returns whether only catching up had it */
  wanted(name: string, priority: Priority | undefined): boolean {
    if (priority !== undefined) this.#priorities.set(name, priority)
    return this.#borrowed.delete(name)
  }

  closing({ name, unsaved }: TidemarkDocument): void {
    if (unsaved > 0) this.#leftovers?.left(name)
  }

  close(): void {
    this.#leftovers?.close()
  }

  async catchUp({ documents, timeout = 30_000, ...options }: CatchUpOptions): Promise<CatchUpResult[]> {
    assertDuration('timeout', timeout)
    for (const { name, priority } of documents ?? []) {
      if (priority !== undefined) this.#priorities.set(name, priority)
    }
    const names = documents?.map(({ name }) => name) ?? (await this.#pending())
    return this.run(names, { ...options, timeLeft: () => timeout })
  }

  run(names: readonly string[], how: CatchUpRun): Promise<CatchUpResult[]> {
    const { priorityOf } = this.#means.settings
    const due = [...new Set(names)].map((name) => ({ name, priority: this.#priorities.get(name) ?? priorityOf(name) }))
    return catchUp(due, this.#save.bind(this), how)
  }

  /** One tab for all of this device. @returns null when another one is at it */
  async #catchUpAlone(names: readonly string[] | null): Promise<readonly CatchUpResult[] | null> {
    const { tabs, url } = this.#means.settings
    const run = () => this.catchUp(names ? { documents: names.map((name) => ({ name })) } : {})
    if (!tabs.locks) return run()
    const namespace = await this.#means.copies.namespace()
    return tabs.locks.request(
      `tidemark/catch-up:${encodeURIComponent(url)}:${namespace}`,
      { ifAvailable: true },
      (lock) => lock && run(),
    )
  }

  async #pending(): Promise<string[]> {
    const { documents, copies } = this.#means
    const elsewhere = [...(await pendingElsewhere(documents(), copies)).keys()]
    const open = documents().filter(({ unsaved }) => unsaved > 0)
    return [...open.map(({ name }) => name), ...elsewhere]
  }

  async #save(name: string, options: FlushOptions): Promise<void> {
    const { documents, open } = this.#means
    const others = this.#borrowed.get(name) ?? 0
    const isOurs = others > 0 || !documents().some((open) => open.name === name && !open.isSetAside)
    const document = open(name)
    if (isOurs) this.#borrowed.set(name, others + 1)
    try {
      await this.#flush(document, options)
    } finally {
      const count = this.#borrowed.get(name)
      if (count === 1) {
        this.#borrowed.delete(name)
        await document.close()
      } else if (count) this.#borrowed.set(name, count - 1)
    }
  }

  /** When the app opens the document with a `Y.Doc` of its own meanwhile, its edits are saved from there. */
  async #flush(document: TidemarkDocument, { timeout = 0, ...options }: FlushOptions): Promise<void> {
    const { documents, settings } = this.#means
    const until = settings.clock.now() + timeout
    try {
      await document.flush({ ...options, timeout })
    } catch (error) {
      const successor = documents().find(({ name }) => name === document.name)
      if (!document.isClosed || !successor || successor === document) throw error
      await this.#flush(successor, { ...options, timeout: Math.max(0, until - settings.clock.now()) })
    }
  }
}

/** How many edits are pending in documents that are kept on this device and not open. */
export async function pendingElsewhere(
  documents: Iterable<TidemarkDocument>,
  copies: LocalCopies,
): Promise<Map<string, number>> {
  const open = new Set([...documents].map(({ name }) => name))
  const pending = new Map<string, number>()
  const names = (await copies.documents()).filter((name) => !open.has(name))
  // A copy that cannot be read may hold edits: it counts as pending, and is not wiped unasked.
  const counts = await Promise.all(names.map((name) => copies.pendingCount(name).catch(() => 1)))
  for (const [index, name] of names.entries()) if (counts[index]! > 0) pending.set(name, counts[index]!)
  return pending
}
