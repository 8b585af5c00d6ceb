import * as Y from 'yjs'
import { mergeInGroups } from '../link/merge.ts'
import { rescue } from '../replica/health.ts'
import { missing, pendingCount, readingOf, type Vector } from '../status/positions.ts'
import { ownPosition } from '../status/status.ts'
import type { LoadedCopy } from '../store/local-copy.ts'
import type { Loaded } from '../store/local-store.ts'
import { onUpdateButStored } from '../store/stored-content.ts'
import type { HeardEdit } from '../tabs/unstored.ts'
import type { SyncParts } from './parts.ts'
import { placeOfSaved, rememberSaved } from './saved-docs.ts'

type Parts = Pick<
  SyncParts,
  'target' | 'means' | 'standing' | 'life' | 'ownership' | 'copy' | 'tabs' | 'link' | 'diskNews'
>

/** Brings each edit on its way, in order: stored, counted, told to the tabs, sent. */
export class Edits {
  readonly #parts: Parts
  readonly #stopListening: () => void
  /** What was in the Y.Doc when it was opened; null once it is decided what of it is an edit. */
  #brought: { readonly content: Uint8Array; readonly savedAt: string | null } | null = null

  constructor(parts: Parts) {
    this.#parts = parts
    this.#stopListening = onUpdateButStored(parts.target.doc, this.#onUpdate)
  }

  get #place(): string {
    const { means, copy } = this.#parts
    return JSON.stringify([means.settings.url, copy.name])
  }

  /** The app's own content is not looked at yet: it may be stored nowhere. */
  get isUndecided(): boolean {
    return this.#brought !== null
  }

  readonly #onUpdate = (update: Uint8Array, origin: unknown): void => {
    const { life, copy, link, tabs } = this.#parts
    if (life.isClosed || origin === copy.origin) return
    if (origin === link.origin) this.#received(update)
    else if (origin === tabs.origin) {
      // Its author stores it; but what a tab brings that was missed, and nobody may have stored or heard, the leader does.
      // Nor need the server have it, though all that is counted is saved.
      if (!tabs.catchingUp || !tabs.isLeader) return
      // no author will mark it: it is pending as this opening's
      if (tabs.catchingUp === 'left') this.edited(update)
      else {
        this.#received(update)
        link.edit(update)
      }
    } else this.edited(update)
  }

  edited(update: Uint8Array): void {
    const { standing, copy, link, tabs, ownership, means } = this.#parts
    standing.happened({ type: 'edited' }, () => {
      const position = ownPosition(standing.situation)
      void copy.keep(update, position)
      link.edit(update)
      tabs.edited(update, position)
      ownership.edited(means.account.subject)
    })
  }

  /** As many edits as it was, so that nobody's count shrinks. */
  tookOver({ update, count, account }: NonNullable<LoadedCopy['handedOver']>): void {
    const { standing, copy, link, tabs, ownership } = this.#parts
    // it is sent on behalf of those who wrote it, or not at all
    ownership.known(account)
    standing.happened({ type: 'took-over', count }, () => {
      const position = ownPosition(standing.situation)
      void copy.keep(update, position, count)
      link.edit(update)
      tabs.edited(update, position)
    })
  }

  #received(update: Uint8Array): void {
    const { copy, tabs } = this.#parts
    const number = tabs.passOn(update)
    void copy.keep(update, null).then((isKept) => {
      if (isKept) tabs.kept(number)
    })
  }

  /** What the app put into its Y.Doc before is an edit like any other, as far as it is not known already (R3.8). */
  bring(): void {
    const { doc } = this.#parts.target
    if (doc.store.clients.size === 0) return
    this.#brought = { content: Y.encodeStateAsUpdate(doc), savedAt: placeOfSaved(doc) }
  }

  /** @param lacking says what of an update the copy lacks */
  countBrought(lacking: Loaded['lacking']): void {
    const brought = this.#brought && { ...this.#brought, content: lacking(this.#brought.content) }
    this.#brought = null
    if (!brought?.content) return
    if (brought.savedAt === this.#place) void this.#parts.copy.keep(brought.content, null)
    else this.edited(brought.content)
  }

  held(made: Vector, acknowledged: Vector, update: Uint8Array): void {
    const { standing, tabs, link } = this.#parts
    const isNews = missing(made, standing.situation.positions.made) > 0
    // Sent as it came, even if nothing in it is new here: only an acknowledged write makes its positions durable.
    standing.happened({ type: 'held', made, acknowledged }, () => {
      if (isNews && tabs.isLeader) link.edit(update)
    })
  }

  /** A tab died, and what it had not stored is still here: stored under this opening's name it is pending as before. */
  inherited(edits: readonly HeardEdit[], opening: string): void {
    const { standing, copy, diskNews } = this.#parts
    const durable = standing.situation.positions.acknowledged.get(opening) ?? 0
    const merge = (some: readonly HeardEdit[]) => mergeInGroups(some.map(({ update }) => update))
    const saved = edits.filter(({ position }) => position <= durable)
    const pending = edits.slice(saved.length)
    if (saved.length > 0) void copy.keep(merge(saved), null)
    if (pending.length > 0) this.edited(merge(pending))
    // what it stored and could not tell any more
    void diskNews.look()
  }

  /**
   * The copy was set aside, and this tab hears no more of the others: should one have died, nobody else stores what it
   * had not stored. The disk says what is there.
   */
  async leftBy(others: ReadonlyMap<string, readonly HeardEdit[]>): Promise<void> {
    if (others.size === 0) return
    const facts = await this.#parts.diskNews.look()
    const stored = readingOf(facts?.marks ?? new Map()).made
    const { acknowledged } = this.#parts.standing.situation.positions
    for (const [opening, edits] of others) {
      const kept = Math.max(stored.get(opening) ?? 0, acknowledged.get(opening) ?? 0)
      const left = edits.filter(({ position }) => position > kept)
      if (left.length > 0) this.edited(mergeInGroups(left.map(({ update }) => update)))
    }
  }

  /** A broken document does not say what was changed: all it holds becomes one edit. */
  rescue(): void {
    const update = rescue(this.#parts.target.doc)
    if (update) this.edited(update)
    // what cannot be kept is counted all the same
    else this.#parts.standing.happened({ type: 'edited' })
  }

  close(): void {
    const { standing, target } = this.#parts
    const isSaved = standing.isSynced && pendingCount(standing.situation.positions) === 0
    if (isSaved) rememberSaved(target.doc, this.#place)
    this.#stopListening()
  }
}
