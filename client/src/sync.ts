import { TidemarkError } from '@tidemark/shared'
import type { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { subjectOf } from './auth/jwt.ts'
import type { DocumentMeans } from './document-contract.ts'
import type { Failures } from './failures.ts'
import type { Hello, LinkEvents } from './link/contract.ts'
import { Link } from './link/link.ts'
import { mergeInGroups } from './link/merge.ts'
import { Ownership } from './ownership.ts'
import { rescue } from './replica/health.ts'
import { isAsSaved, rememberSaved } from './saved-docs.ts'
import type { Standing } from './standing.ts'
import { missing, pendingCount, pendingMarks, readingOf, type Vector } from './status/positions.ts'
import { ownPosition, reportOf } from './status/status.ts'
import { latestFacts } from './store/latest-facts.ts'
import type { LoadedCopy, LocalCopy, LocalCopyEvents } from './store/local-copy.ts'
import type { CopyFacts, History, Loaded, SetAside } from './store/local-store.ts'
import { onUpdateButStored } from './store/stored-content.ts'
import { sayFarewell } from './tabs/farewell.ts'
import { makesHelpless } from './tabs/fitness.ts'
import type { Meeting } from './tabs/messages.ts'
import { Tabs, type TabsEvents } from './tabs/tabs.ts'
import type { HeardEdit } from './tabs/unstored.ts'
import { within } from './time-limit.ts'
import { clientVersion } from './version.ts'

/** ms that the tabs wait to know whose this one is. */
const tokenPatience = 250
/** ms that loading waits to know whether this tab leads: a browser may answer nobody who asks for a lock. */
const rolePatience = 1_000
/** ms after which a copy that could not be set aside is tried again. */
const mismatchPatience = 5_000
/** ms between two looks whether another account's edits are saved. */
const ownerPatience = 5_000

export interface SyncTarget {
  readonly name: string
  readonly doc: Y.Doc
  readonly awareness: Awareness
  readonly opening: string
}

export interface SyncEvents {
  /** The copy's history is over; the document has to be opened anew. */
  setAside(error: TidemarkError): void
}

/**
 * Brings the edits of one opening where they belong, each on one way: into the local store, to the other tabs, and,
 * when this tab leads, to the server; and back from there.
 */
export class Sync {
  readonly #target: SyncTarget
  readonly #means: DocumentMeans
  readonly #standing: Standing
  readonly #failures: Failures
  readonly #events: SyncEvents
  readonly #copy: LocalCopy
  readonly #stopListening: () => void
  readonly #link: Link
  readonly #tabs: Tabs
  #history: History | null = null
  readonly #ownership: Ownership
  /** The account as which this tab meets the others; null while no token has said whose it is. */
  #joinedAs: string | null = null
  #joining = 0
  #cancelWatch: (() => void) | null = null
  #sharedCopy: string | null = null
  #hello: Hello | null = null
  /** What of each opening's dirty mark was taken back. */
  readonly #unmarked = new Map<string, number>()
  readonly #end = new AbortController()
  /** What was in the Y.Doc when it was opened; null once it is decided what of it is an edit. */
  #brought: { readonly content: Uint8Array; readonly isSaved: boolean } | null = null
  /** The person has disconnected this document. */
  #isOff = false
  #hasJoined = false
  #cancelMismatch = () => {}
  #isSetAside = false
  #isBroken = false

  constructor(
    target: SyncTarget,
    means: DocumentMeans,
    parts: { readonly standing: Standing; readonly failures: Failures },
    events: SyncEvents,
  ) {
    const { clock, retry, sendWindow, tabs } = means.settings
    this.#target = target
    this.#means = means
    this.#standing = parts.standing
    this.#failures = parts.failures
    this.#events = events
    // Before the link's own listeners: an edit is counted before anything can be sent that carries it.
    this.#stopListening = onUpdateButStored(target.doc, this.#onUpdate)
    this.#ownership = new Ownership(target.opening, () => this.#copy)
    this.#tabs = new Tabs(target, tabs, clock, this.#tabsEvents())
    this.#link = new Link(
      target,
      {
        socket: means.socket,
        tokens: means.tokens,
        clock,
        retry,
        sendWindow,
        version: clientVersion,
        history: () => this.#history ?? {},
        admit: (token) => this.#admit(token),
        nearClients: () => this.#tabs.clients,
        together: (work) => this.#standing.together(work),
      },
      this.#linkEvents(),
    )
    this.#copy = means.copies.open({ document: target.name, doc: target.doc, id: target.opening }, this.#copyEvents())
    this.#bring()
  }

  get #place(): string {
    const { url, namespace } = this.#means.settings
    return JSON.stringify([url, namespace, this.#target.name])
  }

  /** The app's own content is not looked at yet: it may be stored nowhere. */
  get isUndecided(): boolean {
    return this.#brought !== null
  }

  get sessionId(): string | null {
    return this.#link.sessionId
  }

  get isLeader(): boolean {
    return this.#tabs.isLeader
  }

  // ——— one edit, in order: stored, counted, told to the tabs, sent ———

  readonly #onUpdate = (update: Uint8Array, origin: unknown): void => {
    if (this.#end.signal.aborted || origin === this.#copy.origin) return
    if (origin === this.#link.origin) this.#received(update)
    else if (origin === this.#tabs.origin) {
      // Its author stores it; but what a tab brings that was missed, and nobody may have stored or heard, the leader does.
      // Nor need the server have it, though all that is counted is saved.
      if (this.#tabs.isCatchingUp && this.isLeader) {
        this.#received(update)
        this.#link.edit(update)
      }
    } else this.edited(update)
  }

  edited(update: Uint8Array): void {
    this.#standing.happened({ type: 'edited' }, () => {
      const position = ownPosition(this.#standing.situation)
      void this.#copy.keep(update, position)
      this.#link.edit(update)
      this.#tabs.edited(update, position)
      this.#ownership.edited(this.#means.tokens.subject)
    })
  }

  /** As many edits as it was, so that nobody's count shrinks. */
  #tookOver({ update, count, account }: NonNullable<LoadedCopy['handedOver']>): void {
    // it is sent on behalf of those who wrote it, or not at all
    this.#ownership.known(account)
    this.#standing.happened({ type: 'took-over', count }, () => {
      const position = ownPosition(this.#standing.situation)
      void this.#copy.keep(update, position, count)
      this.#link.edit(update)
      this.#tabs.edited(update, position)
    })
  }

  #received(update: Uint8Array): void {
    const number = this.#tabs.passOn(update)
    void this.#copy.keep(update, null).then((isKept) => {
      if (isKept) this.#tabs.kept(number)
    })
  }

  // ——— coming and going ———

  /** What the app put into its Y.Doc before is an edit like any other, as far as it is not known already (R3.8). */
  #bring(): void {
    const { doc } = this.#target
    if (doc.store.clients.size === 0) return
    this.#brought = { content: Y.encodeStateAsUpdate(doc), isSaved: isAsSaved(doc, this.#place) }
  }

  async load(): Promise<void> {
    const { localStore, marks, history, account, copy, lacking, handedOver } = await this.#copy.load()
    this.#history = history
    this.#ownership.loaded({ marks, account })
    // Counted before it is said that everything is loaded: who waits until all is saved waits for these, too.
    this.#count(lacking)
    if (handedOver) this.#tookOver(handedOver)
    // what only this tab has, others cannot share
    this.#sharedCopy = localStore.kind === 'indexeddb' ? copy : null
    if (this.#end.signal.aborted) return
    const { made, acknowledged } = readingOf(marks)
    this.#standing.happened({ type: 'loaded', localStore, made, acknowledged })
    // Only now: stored content that comes while a session runs would be sent as if it were new.
    await within(this.#means.settings.clock, rolePatience, 'finding the role', this.#join()).catch(() => {})
  }

  #count(lacking: Loaded['lacking']): void {
    const brought = this.#brought && { ...this.#brought, content: lacking(this.#brought.content) }
    this.#brought = null
    if (!brought?.content) return
    if (brought.isSaved) void this.#copy.keep(brought.content, null)
    else this.edited(brought.content)
  }

  /** Settles when the role of this tab is known. */
  async #join(): Promise<void> {
    if (this.#isOff || this.#isOver) return
    const joining = ++this.#joining
    const whose = this.#means.tokens.whose()
    const account = this.#sharedCopy === null ? this.#means.tokens.subject : await this.#soon(whose)
    if (this.#isOff || this.#isOver || joining !== this.#joining) return
    void whose.then((late) => {
      if (late !== null && this.#joinedAs === null && joining === this.#joining) this.#moveTo(late)
    })
    await this.#joinAs(account)
  }

  /** What is not known soon must not keep the tabs apart: without a network no token may be to be had. */
  #soon(whose: Promise<string | null>): Promise<string | null> {
    return within(this.#means.settings.clock, tokenPatience, 'asking for a token', whose).catch(() => null)
  }

  /** Tabs of different accounts do not mix (D3.6): each account has a leader of its own. */
  async #joinAs(account: string | null): Promise<void> {
    this.#joinedAs = account
    this.#hasJoined = true
    this.#ownership.known(account)
    await this.#tabs.join(this.#meetingAs(account))
    // From here on this tab hears the others; what they said before, the disk says again.
    void this.#look()
  }

  #meetingAs(account: string | null): Meeting | null {
    const copy = this.#sharedCopy
    return copy === null ? null : { server: this.#means.settings.url, account, copy }
  }

  #moveTo(account: string): void {
    if (this.#isOff || this.#isOver || this.#joinedAs === account) return
    this.#part()
    void this.#joinAs(account)
  }

  get #isOver(): boolean {
    return this.#end.signal.aborted || this.#isSetAside || this.#isBroken
  }

  connect(): void {
    if (!this.#isOff || this.#isOver) return
    this.#isOff = false
    void this.#join()
  }

  disconnect(): void {
    if (this.#isOff || this.#isOver) return
    this.#isOff = true
    this.#joining++
    this.#part()
    this.#standing.happened({ type: 'parted' })
  }

  #part(): void {
    this.#cancelWatch?.()
    this.#cancelWatch = null
    this.#tabs.leave()
    this.#link.stop()
  }

  flush(): void {
    if (!this.isLeader) this.#tabs.ask('flush')
    else {
      this.#link.flush()
      this.#means.socket.retryNow()
    }
  }

  retry(): void {
    // what a person has mended in this tab
    this.#tabs.setHelpless(false)
    if (!this.isLeader) this.#tabs.ask('retry')
    else {
      this.#standing.happened({ type: 'retried' })
      this.#link.retry()
    }
  }

  whenTabsAgree(): Promise<void> {
    return this.#tabs.whenAgreed()
  }

  close(): void {
    this.#cancelMismatch()
    const isSaved = this.#standing.isSynced && pendingCount(this.#standing.situation.positions) === 0
    if (isSaved) rememberSaved(this.#target.doc, this.#place)
    this.#end.abort()
    this.#stopListening()
    this.#link.close()
    this.#part()
  }

  /** @param closing settles when nothing is written any more */
  ending(closing: Promise<unknown>): void {
    this.#copy.ending(closing)
  }

  /** @returns when nothing is written any more: how many edits are kept nowhere but in this page */
  async closeCopy(): Promise<number> {
    const { situation } = this.#standing
    const unkept = await this.#copy.close(pendingMarks(situation.positions))
    const isUnheard = !this.#hasJoined && ownPosition(situation) > 0
    const meeting = this.#meetingAs(this.#means.tokens.subject)
    if (isUnheard && meeting) sayFarewell(this.#means.settings.tabs, meeting, this.#target.opening)
    return unkept
  }

  // ——— the local store ———

  #copyEvents(): LocalCopyEvents {
    return {
      stored: (position) => this.#standing.happened({ type: 'stored', position }),
      failed: (error) => {
        this.#failures.report(error)
        const isTransient = error.code === 'local-storage-full' || error.code === 'local-storage-failed'
        if (isTransient) this.#standing.happened({ type: 'store-failed', error })
      },
      noted: (error) => this.#failures.heal(error),
      recovered: () => this.#standing.happened({ type: 'store-recovered' }),
      pending: () => pendingMarks(this.#standing.situation.positions),
      gone: () => this.#standing.happened({ type: 'store-gone' }),
      rewritten: (position) => this.#standing.happened({ type: 'store-rewritten', position }),
      lost: (error) => {
        this.#failures.report(error)
        this.#standing.happened({ type: 'store-lost', error })
        if (pendingCount(this.#standing.situation.positions) === 0) this.#copy.saved()
      },
    }
  }

  // ——— the other tabs ———

  #tabsEvents(): TabsEvents {
    return {
      roleChanged: (isLeader, unkept) => this.#roleChanged(isLeader, unkept),
      held: (made, acknowledged, update) => this.#held(made, acknowledged, update),
      reported: (report, history) => {
        this.#history = history ?? this.#history
        const at = this.#means.settings.clock.now()
        this.#standing.happened({ type: 'leader-said', report, at }, () => this.#acknowledgeStored())
      },
      inherited: (edits, opening) => this.#inherited(edits, opening),
      asked: (what) => (what === 'flush' ? this.flush() : this.retry()),
      failed: (error) => this.#failures.tell(error),
      setAside: (reason) => {
        // said once more on the disk, as this tab's store must know it, too
        void this.#copy.setAside({ reason, at: this.#means.settings.clock.now() }).catch(() => {})
        this.#wasSetAside(reason)
      },
      resumed: () => void this.#look(),
      vectors: () => this.#standing.situation.positions,
      report: () => ({ report: reportOf(this.#standing.situation), history: this.#history }),
    }
  }

  #roleChanged(isLeader: boolean, unkept: readonly Uint8Array[] = []): void {
    if (this.#end.signal.aborted) return
    this.#copy.setCaretaker(isLeader)
    if (!isLeader) {
      this.#link.stop({ isHandOver: true })
      return
    }
    this.#standing.happened({ type: 'role-changed' }, () => {
      for (const update of unkept) void this.#copy.keep(update, null)
      this.#link.start()
    })
  }

  #held(made: Vector, acknowledged: Vector, update: Uint8Array): void {
    const { positions } = this.#standing.situation
    const isNews = missing(made, positions.made) > 0
    // Sent as it came, even if nothing in it is new here: only an acknowledged write makes its positions durable.
    this.#standing.happened({ type: 'held', made, acknowledged }, () => {
      if (isNews && this.isLeader) this.#link.edit(update)
    })
  }

  /** A tab died, and what it had not stored is still here: stored under this opening's name it is pending as before. */
  #inherited(edits: readonly HeardEdit[], opening: string): void {
    const durable = this.#standing.situation.positions.acknowledged.get(opening) ?? 0
    const merge = (some: readonly HeardEdit[]) => mergeInGroups(some.map(({ update }) => update))
    const saved = edits.filter(({ position }) => position <= durable)
    const pending = edits.slice(saved.length)
    if (saved.length > 0) void this.#copy.keep(merge(saved), null)
    if (pending.length > 0) this.edited(merge(pending))
    // what it stored and could not tell any more
    void this.#look()
  }

  /** Begins a new copy, in all tabs; this one stays as it is (R9.4). */
  async setAside(reason: SetAside['reason']): Promise<void> {
    await this.#copy.setAside({ reason, at: this.#means.settings.clock.now() })
    this.#tabs.tellSetAside(reason)
    this.#wasSetAside(reason)
  }

  /** Tries until it is written down: until then nothing of this document is sent (R9.2). */
  async #mismatched(): Promise<void> {
    try {
      await this.setAside('epoch-mismatch')
    } catch (cause) {
      const error = cause as TidemarkError
      // a copy that is lost stands in nobody's way
      if (this.#isOver || error.code === 'document-closed') return
      this.#failures.report(error)
      if (error.code === 'local-storage-unavailable') return
      this.#cancelMismatch = this.#means.settings.clock.after(mismatchPatience, () => void this.#mismatched())
    }
  }

  #wasSetAside(reason: SetAside['reason']): void {
    if (this.#isOver) return
    this.#isSetAside = true
    this.#part()
    const error = new TidemarkError(reason === 'epoch-mismatch' ? 'epoch-mismatch' : 'document-closed')
    this.#standing.happened({ type: 'obstructed', error, at: this.#means.settings.clock.now() })
    this.#events.setAside(error)
  }

  /** The document takes part in nothing any more; what it holds is kept. */
  broke(error: TidemarkError): void {
    if (this.#end.signal.aborted) return
    this.#standing.together(() => {
      this.rescue()
      this.#isBroken = true
      this.#part()
      this.#standing.happened({ type: 'parted' })
      this.#standing.happened({ type: 'obstructed', error, at: this.#means.settings.clock.now() })
    })
  }

  /** A broken document does not say what was changed: all it holds becomes one edit. */
  rescue(): void {
    const update = rescue(this.#target.doc)
    if (update) this.edited(update)
    // what cannot be kept is counted all the same
    else this.#standing.happened({ type: 'edited' })
  }

  /** Asks the disk whether this is the document's copy still: a tab that was away has not heard what was said (R9.4). */
  async #look(): Promise<CopyFacts | null> {
    const { clock, openTimeLimit } = this.#means.settings
    const facts = await latestFacts(this.#copy, {
      ...{ clock, openTimeLimit, signal: this.#end.signal },
      onFailure: (error) => this.#failures.heal(error),
    })
    if (this.#isOver || !facts) return facts
    if (facts.setAside) this.#wasSetAside(facts.setAside.reason)
    else if (this.#hasUnheard(facts)) await this.#readNew()
    return facts
  }

  /** Has somebody who is gone left edits that nobody here has heard of? Those of another account are its own affair. */
  #hasUnheard(facts: CopyFacts): boolean {
    const { made } = readingOf(facts.marks)
    return missing(made, this.#standing.situation.positions.made) > 0 && this.#ownership.owns(facts)
  }

  /** They are read, and counted (R3.5). */
  async #readNew(): Promise<void> {
    const { doc } = this.#target
    const before = Y.encodeStateVector(doc)
    const marks = await this.#copy.readNew().catch((error: TidemarkError) => this.#failures.heal(error))
    if (!marks || this.#isOver) return
    const { made, acknowledged } = readingOf(marks)
    if (missing(made, this.#standing.situation.positions.made) === 0) return
    this.#held(made, acknowledged, Y.encodeStateAsUpdate(doc, before))
    this.#tabs.compareAll()
  }

  // ——— the link ———

  #linkEvents(): LinkEvents {
    const { clock } = this.#means.settings
    const happened = this.#standing.happened.bind(this.#standing)
    return {
      connectionChanged: (connection) => {
        // what a follower shows is the leader's connection
        if (this.isLeader) happened({ type: 'connection', connection, at: clock.now() })
      },
      connectionFailed: (error) => {
        if (!this.isLeader) return
        happened({ type: 'connection-failed', error, at: clock.now() })
        // logged by the client, once for all documents
        this.#failures.tell(error)
        this.#tabs.tellFailure(error)
      },
      sessionBegan: () => {
        happened({ type: 'session-began' })
        this.#tabs.askPresence()
      },
      sessionEnded: () => {
        if (this.isLeader) happened({ type: 'session-ended' })
      },
      sessionFailed: (error) => {
        if (this.isLeader) happened({ type: 'session-failed', error, at: clock.now() })
      },
      sent: (parts) => happened({ type: 'sent', parts }),
      acknowledged: () => this.#acknowledged(clock.now()),
      refused: (error) => {
        happened({ type: 'refused', error })
        this.#tabs.setHelpless(makesHelpless(error.code))
      },
      hello: (hello) => {
        this.#hello = hello
        // Before any content of this history is stored, so that the copy is never without its epoch (R9).
        this.#remember({ epoch: hello.epoch, revision: this.#history?.revision ?? 0 })
        happened({ type: 'permitted', level: hello.level })
        if (hello.level !== 'read') this.#tabs.setHelpless(false)
      },
      obstructed: (error) => {
        if (!this.isLeader) return
        happened({ type: 'obstructed', error, at: clock.now() })
        this.#tabs.setHelpless(makesHelpless(error.code))
        if (error.code === 'account-mismatch') this.#watchOwner()
        if (error.code === 'epoch-mismatch') void this.#mismatched()
      },
      unobstructed: () => {
        if (this.isLeader) happened({ type: 'unobstructed' })
      },
      failed: (error, attempt) => {
        this.#failures.report(error, attempt)
        this.#tabs.tellFailure(error)
      },
      healing: (error) => this.#failures.heal(error),
    }
  }

  #acknowledged(at: number): void {
    const before = this.#standing.situation.positions
    this.#standing.happened({ type: 'acknowledged', at }, () => {
      const { refused, handshaken } = this.#standing.situation.positions
      if (refused) return
      this.#acknowledgeStored()
      const isFirst = handshaken && !before.handshaken
      if (isFirst && this.#hello) this.#remember({ epoch: this.#hello.epoch, revision: this.#hello.revision })
    })
  }

  /** Takes back the marks of what is durable now: each tab its own, and the leader those of tabs that are gone. */
  #acknowledgeStored(): void {
    if (pendingCount(this.#standing.situation.positions) === 0) this.#copy.saved()
    const { acknowledged } = this.#standing.situation.positions
    const { isLeader } = this.#tabs
    const due = new Map<string, number>()
    for (const [opening, position] of acknowledged) {
      const isMine = opening === this.#target.opening || (isLeader && !this.#tabs.has(opening))
      if (isMine && position > (this.#unmarked.get(opening) ?? 0)) due.set(opening, position)
    }
    if (due.size === 0) return
    for (const [opening, position] of due) this.#unmarked.set(opening, position)
    void this.#copy.acknowledge(due)
  }

  #remember(history: History): void {
    this.#history = history
    void this.#copy.remember(history)
  }

  async #admit(token: string): Promise<void> {
    const facts = await this.#look()
    if (this.#isOver) throw new TidemarkError('document-closed')
    const account = subjectOf(token)
    // where a token does not say whose it is, nothing tells two accounts apart
    if (account === null) return
    if (!this.#ownership.admits(account, facts, this.#pending)) throw new TidemarkError('account-mismatch')
    this.#ownership.admitted(account)
    if (this.#joinedAs === account || this.#sharedCopy === null) return
    this.#moveTo(account)
    throw new TidemarkError('document-closed')
  }

  /** What another account has pending may be saved by its own tabs; then this one can go on. */
  #watchOwner(): void {
    this.#cancelWatch ??= this.#means.settings.clock.after(ownerPatience, async () => {
      this.#cancelWatch = null
      const facts = await this.#look()
      const { subject } = this.#means.tokens
      if (this.#isOver || this.#standing.situation.obstacle?.code !== 'account-mismatch') return
      if (subject === null || this.#ownership.admits(subject, facts, this.#pending)) this.#link.retry()
      else this.#watchOwner()
    })
  }

  get #pending() {
    const { positions } = this.#standing.situation
    return { count: pendingCount(positions), made: positions.made }
  }

  /** @internal something in the standing has changed */
  standingChanged(): void {
    this.#tabs?.reportLater()
  }
}
