import type { TidemarkError } from '@tidemark/shared'
import type { DocumentMeans } from '../document-contract.ts'
import type { Failures } from '../failures.ts'
import type { Standing } from '../standing.ts'
import { pendingMarks, readingOf } from '../status/positions.ts'
import type { SetAside } from '../store/local-store.ts'
import { within } from '../time-limit.ts'
import { type SyncEvents, SyncParts, type SyncTarget } from './parts.ts'
import { flushNow, retryNow } from './requests.ts'

/** ms that loading waits to know whether this tab leads: a browser may answer nobody who asks for a lock. */
const rolePatience = 1_000

/**
 * Brings the edits of one opening where they belong, each on one way: into the local store, to the other tabs, and,
 * when this tab leads, to the server; and back from there.
 */
export class Sync {
  readonly #parts: SyncParts

  constructor(
    target: SyncTarget,
    means: DocumentMeans,
    given: { readonly standing: Standing; readonly failures: Failures },
    events: SyncEvents,
  ) {
    this.#parts = new SyncParts(target, means, given, events)
    this.#parts.edits.bring()
  }

  /** The app's own content is not looked at yet: it may be stored nowhere. */
  get isUndecided(): boolean {
    return this.#parts.edits.isUndecided
  }

  get sessionId(): string | null {
    return this.#parts.link.sessionId
  }

  get isLeader(): boolean {
    return this.#parts.tabs.isLeader
  }

  async load(): Promise<void> {
    const { means, standing, life, ownership, copyNotes, edits, membership } = this.#parts
    const loaded = await this.#parts.copy.load(() => means.account.whoseSoon())
    const { localStore, marks, history, account, copy, lacking, handedOver } = loaded
    copyNotes.learnt(history)
    ownership.loaded({ marks, account })
    // Counted before it is said that everything is loaded: who waits until all is saved waits for these, too.
    edits.countBrought(lacking)
    if (handedOver) edits.tookOver(handedOver)
    // what only this tab has, others cannot share
    membership.loaded(localStore.kind === 'indexeddb' ? copy : null)
    if (life.isClosed) return
    const { made, acknowledged } = readingOf(marks)
    standing.happened({ type: 'loaded', localStore, made, acknowledged })
    // Only now: stored content that comes while a session runs would be sent as if it were new.
    await within(means.settings.clock, rolePatience, 'finding the role', membership.join()).catch(() => {})
  }

  connect(): void {
    this.#parts.membership.connect()
  }

  disconnect(): void {
    this.#parts.membership.disconnect()
  }

  flush(): void {
    flushNow(this.#parts)
  }

  retry(): void {
    retryNow(this.#parts)
  }

  whenTabsAgree(): Promise<void> {
    return this.#parts.tabs.whenAgreed()
  }

  setAside(reason: SetAside['reason']): Promise<void> {
    return this.#parts.settingAside.setAside(reason)
  }

  /** The document takes part in nothing any more; what it holds is kept. */
  broke(error: TidemarkError): void {
    const { means, standing, life, edits, membership } = this.#parts
    if (life.isClosed) return
    standing.together(() => {
      edits.rescue()
      life.end()
      membership.part()
      standing.happened({ type: 'parted' })
      standing.happened({ type: 'obstructed', error, at: means.settings.clock.now() })
    })
  }

  /** A broken document does not say what was changed: all it holds becomes one edit. */
  rescue(): void {
    this.#parts.edits.rescue()
  }

  close(): void {
    const { life, settingAside, edits, link, membership } = this.#parts
    settingAside.close()
    edits.close()
    life.close()
    link.close()
    membership.part()
  }

  /** @param closing settles when nothing is written any more */
  ending(closing: Promise<unknown>): void {
    this.#parts.copy.ending(closing)
  }

  /** @returns when nothing is written any more: how many edits are kept nowhere but in this page */
  async closeCopy(): Promise<number> {
    const { standing, copy, settingAside, membership } = this.#parts
    await settingAside.leaving
    const { situation } = standing
    const unkept = await copy.close(pendingMarks(situation.positions))
    membership.sayFarewell(situation)
    return unkept
  }

  /** @internal something in the standing has changed */
  standingChanged(): void {
    this.#parts.tabs.reportLater()
  }
}
