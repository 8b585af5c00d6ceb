import type { Clock, TidemarkError } from '@tidemark/shared'
import type { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import type { Vector } from '../status/positions.ts'
import type { Report } from '../status/status.ts'
import type { History, SetAside } from '../store/local-store.ts'
import { within } from '../time-limit.ts'
import { Agreement, answerTime } from './agreement.ts'
import { type CatchingUp, Exchange, type Said } from './exchange.ts'
import { hearFarewells } from './farewell.ts'
import type { Fitness } from './fitness.ts'
import { Leadership } from './leadership.ts'
import {
  type Holding,
  type Meeting,
  meetingName,
  readError,
  readReport,
  readTabMessage,
  type TabMessage,
  wireError,
  wireReport,
} from './messages.ts'
import { TabPresence } from './presence.ts'
import { Relay } from './relay.ts'
import { Roster } from './roster.ts'
import { type HeardEdit, Unstored } from './unstored.ts'
import type { Channel, TabWorld } from './world.ts'

export interface TabsTarget {
  readonly opening: string
  readonly doc: Y.Doc
  readonly awareness: Awareness
}

export interface TabsEvents {
  /** @param unkept what the last leader passed on and did not store: this one has to (D1.3) */
  roleChanged(isLeader: boolean, unkept?: readonly Uint8Array[]): void
  /** The app hears of it when all of it is done. */
  together<Result>(work: () => Result): Result
  /** Edits of other tabs are in the document now; `update` holds them. */
  held(made: Vector, acknowledged: Vector, update: Uint8Array): void
  /** The leader says how the document stands. */
  reported(report: Report, history: History | null): void
  /** Another tab asks the leader. */
  asked(what: 'flush' | 'retry'): void
  failed(error: TidemarkError): void
  /** The copy's history is over, another tab says. */
  setAside(reason: SetAside['reason']): void
  /** This tab was stopped and goes on, without leading. */
  resumed(): void
  /** A tab is gone, and these edits of it may be stored nowhere: this tab leads, so they are its affair now. */
  inherited(edits: readonly HeardEdit[], opening: string): void
  /** The disk says something that concerns this tab, of which nobody here has heard. */
  newsOnDisk(): void
  /** What this opening has to tell. */
  vectors(): { readonly made: Vector; readonly acknowledged: Vector; readonly storedTo: number }
  report(): { readonly report: Report; readonly history: History | null }
}

/**
 * The tabs of one browser that have a document open (D1). They hand each other their edits, agree on the one that leads,
 * and hear from it how the document stands. Where tabs cannot find each other this one leads itself (D1.8).
 */
export class Tabs {
  readonly #target: TabsTarget
  readonly #world: TabWorld
  readonly #clock: Clock
  readonly #events: TabsEvents
  #leadership: Leadership | null = null
  #roster: Roster | null = null
  readonly #agreement: Agreement
  readonly #presence: TabPresence
  readonly #relay: Relay
  readonly #exchange: Exchange
  readonly #unstored = new Unstored()
  #channel: Channel | null = null
  #hearNoFarewells = () => {}
  #isAlone = false
  #reportIsDue = false
  /** The leader's last word, while another tab has still to say what this one missed. */
  #waitingReport: (TabMessage & { readonly type: 'report' }) | null = null

  constructor(target: TabsTarget, world: TabWorld, clock: Clock, events: TabsEvents) {
    this.#target = target
    this.#world = world
    this.#clock = clock
    this.#events = events
    this.#agreement = new Agreement(clock)
    this.#presence = new TabPresence(target.awareness, {
      isLeader: () => this.isLeader,
      say: (update) => this.#post({ type: 'presence', update }),
    })
    this.#relay = new Relay(clock, (number) => this.#post({ type: 'kept', number }))
    this.#exchange = new Exchange({
      ...{ clock, doc: target.doc, origin: this.origin },
      say: (message) => this.#post(message),
      ask: (opening) => this.#sync(opening),
      complete: () => this.#complete(),
      holding: () => this.#holding(),
      held: events.held,
      together: events.together,
      made: () => events.vectors().made,
      isLeader: () => this.isLeader,
      isHere: (opening) => opening === target.opening || this.has(opening),
    })
  }

  /** The origin of the transactions that bring other tabs' edits. */
  get origin(): unknown {
    return this
  }

  /** Null unless another tab is just answering what this one has asked for. */
  get catchingUp(): CatchingUp | null {
    return this.#exchange.catchingUp
  }

  get isLeader(): boolean {
    return this.#isAlone || (this.#leadership?.isLeader ?? false)
  }

  /**
   * @param meeting which tabs this one meets; null when nobody else can have what it has
   * @returns settles when the role of this tab is known
   */
  async join(meeting: Meeting | null): Promise<void> {
    const { locks } = this.#world
    const name = meeting ? meetingName(meeting) : ''
    const channel = meeting && locks ? this.#world.openChannel(name) : null
    if (!meeting || !channel || !locks) {
      this.#isAlone = true
      this.#events.roleChanged(true)
      return
    }
    this.#leadership = new Leadership(name, {
      ...{ clock: this.#clock, page: this.#world.page, locks },
      say: (message) => this.#post(message),
      won: () => this.#won(),
      lost: () => this.#lost(),
      resumed: () => {
        this.#sync(null)
        this.#events.resumed()
      },
    })
    this.#roster = new Roster(name, locks, this.#target.opening, (client, opening) => {
      this.#presence.gone(client)
      this.#events.inherited(this.#unstored.take(opening), opening)
    })
    this.#channel = channel
    channel.onMessage = (data) => {
      const message = readTabMessage(data)
      if (message && this.#channel === channel) this.#receive(message)
    }
    this.#hearNoFarewells = hearFarewells(this.#world, meeting, (what) => {
      // what was stored is for the leader to count and to send
      if (what === 'set-aside' || this.isLeader) this.#events.newsOnDisk()
    })
    this.#presence.start()
    this.#roster.enter()
    // What was edited before, nobody has heard; and the browser may be long in answering who asks for a lock.
    if (this.#events.vectors().made.has(this.#target.opening)) this.#sync(null)
    await this.#leadership.start()
    if (this.#channel === channel && !this.isLeader) this.#sync(null)
  }

  /** Lets go of the others: they do not hear of this opening any more, nor it of them. */
  leave(): void {
    const wasLeader = this.isLeader
    this.#isAlone = false
    if (!this.#channel) {
      if (wasLeader) this.#events.roleChanged(false)
      return
    }
    this.#leadership?.stop()
    this.#presence.stop()
    this.#post({ type: 'bye', storedTo: this.#events.vectors().storedTo })
    this.#roster?.leave()
    this.#relay.stop()
    this.#exchange.stop()
    this.#agreement.giveUp()
    this.#hearNoFarewells()
    this.#channel.close()
    this.#channel = this.#leadership = this.#roster = null
  }

  /** An edit was made in this opening. */
  edited(update: Uint8Array, position: number): void {
    this.#post({ type: 'edit', position, update, storedTo: this.#events.vectors().storedTo })
  }

  /** The leader passes on what the server sent. @returns the number to say when it is stored */
  passOn(update: Uint8Array): number {
    const number = this.#relay.next()
    this.#post({ type: 'remote', number, update })
    return number
  }

  /** What was passed on under this number is in the local store. Updates are stored in order. */
  kept(number: number): void {
    if (this.#channel) this.#relay.kept(number)
  }

  /** Something that the leader reports has changed. One message for all that changes in one task. */
  reportLater(): void {
    if (this.#reportIsDue || !this.#channel || !this.isLeader) return
    this.#reportIsDue = true
    queueMicrotask(() => {
      this.#reportIsDue = false
      if (this.isLeader) this.#report()
    })
  }

  /** Whether only a person can help this tab's sessions on; another tab may have better luck then (D1.4). */
  setHelpless(isHelpless: boolean): void {
    this.#leadership?.setHelpless(isHelpless)
  }

  ask(what: 'flush' | 'retry'): void {
    this.#post({ type: 'ask', what })
  }

  tellFailure(error: TidemarkError): void {
    if (this.isLeader) this.#post({ type: 'failed', error: wireError(error) })
  }

  tellSetAside(reason: SetAside['reason']): void {
    this.#post({ type: 'set-aside', reason })
  }

  /** This tab has learnt of edits that the others may have missed, too: all compare what they have. */
  compareAll(): void {
    this.#sync(null)
  }

  /** What other tabs may have stored nowhere, by opening: this one will not hear any more what becomes of them. */
  takeUnstored(): ReadonlyMap<string, readonly HeardEdit[]> {
    return this.#unstored.takeAll()
  }

  /** A session has begun: those whom the server took away with the last one show themselves again. */
  askPresence(): void {
    this.#post({ type: 'show-presence' })
  }

  /** Is it one of this device's other tabs that are there? */
  has(opening: string): boolean {
    return this.#roster?.has(opening) ?? false
  }

  /** The Yjs clients of the other tabs. */
  get clients(): ReadonlySet<number> {
    return this.#roster?.clients ?? new Set()
  }

  /** Settles when every edit that was made in another tab before is in this one, as far as the others answer in time. */
  async whenAgreed(): Promise<void> {
    if (!this.#channel) return
    const asking = this.#roster!.others()
    // a browser may not answer; nor would tabs that are frozen
    const others = await within(this.#clock, answerTime, 'asking who is here', asking).catch(() => [])
    if (others.length === 0) return
    const agreed = this.#agreement.wait(others)
    for (const other of others) this.#post(this.#holdingFor(other))
    await agreed
  }

  // ——— hearing ———

  #receive(message: TabMessage): void {
    this.#leadership?.heard(message.from)
    switch (message.type) {
      case 'edit':
        this.#exchange.hearEdit(message.from, message.position, message.update)
        this.#hearUnstored(message.from, message, message.storedTo)
        break
      case 'remote':
        this.#hearRemote(message.from, message.number, message.update)
        break
      case 'kept':
        if (message.from === this.#leadership?.leader) this.#relay.heardKept(message.number)
        break
      case 'report':
        this.#hearReport(message)
        break
      case 'sync':
        this.#hearSync(message)
        break
      case 'diff':
        this.#hearDiff(message)
        break
      case 'presence':
        this.#presence.apply(message.update)
        break
      case 'show-presence':
        this.#presence.show()
        break
      case 'claim':
        this.#leadership?.hearClaim(message.from, message.fitness)
        break
      case 'yield':
        if (message.to === this.#target.opening) this.#leadership?.hearYield()
        break
      case 'ping':
        this.#leadership?.hearPing()
        break
      case 'beat':
        this.#hearLeader(message.from, message.fitness)
        break
      case 'ask':
        if (this.isLeader) this.#events.asked(message.what)
        break
      case 'failed':
        if (!this.isLeader) this.#events.failed(readError(message.error))
        break
      case 'set-aside':
        this.#events.setAside(message.reason)
        break
      case 'bye': {
        const unstored = this.#unstored.take(message.from, message.storedTo)
        this.#roster?.remove(message.from)
        this.#leadership?.hearBye(message.from)
        if (this.isLeader) this.#events.inherited(unstored, message.from)
      }
    }
  }

  #hearRemote(from: string, number: number, update: Uint8Array): void {
    if (from !== this.#leadership?.leader || !this.#exchange.apply(update)) return
    if (!this.#relay.heard(number, update)) this.#exchange.askFor(from)
  }

  #hearReport(message: TabMessage & { type: 'report' }): void {
    this.#hearLeader(message.from, message.fitness)
    // What is missing may be pending: nobody calls saved what is not counted yet. The answer comes first.
    if (this.#exchange.isAsking) this.#waitingReport = message
    else if (!this.isLeader) this.#events.reported(readReport(message.report), message.history)
  }

  #complete(): void {
    const report = this.#waitingReport
    this.#waitingReport = null
    if (report && report.from === this.#leadership?.leader) this.#hearReport(report)
  }

  #hearLeader(from: string, fitness: Fitness): void {
    if (!this.#leadership?.hearLeader(from, fitness)) return
    this.#relay.follow(null)
    this.#exchange.askFor(from)
  }

  #hearSync(message: TabMessage & { type: 'sync' }): void {
    this.#roster?.add(message.from, message.client)
    if (message.presence) this.#presence.apply(message.presence)
    if (message.isLeader && !this.isLeader) {
      this.#leadership?.hearLeader(message.from, message.fitness)
      this.#relay.follow(message.remote ?? 0)
    }
    const isForMe = message.to === null ? this.isLeader || message.isLeader : message.to === this.#target.opening
    if (!isForMe) return
    this.#exchange.answer(message)
    if (this.isLeader) this.#report()
  }

  #hearDiff(message: TabMessage & { type: 'diff' }): void {
    if (message.to === null) this.#events.held(message.made, message.acknowledged, message.update)
    if (message.to !== this.#target.opening) return
    this.#roster?.add(message.from, message.client)
    if (message.presence) this.#presence.apply(message.presence)
    if (!this.#exchange.hearAnswer(message)) return
    if (message.remote !== null && message.from === this.#leadership?.leader)
      this.#relay.caughtUp(message.remote, message.update)
    this.#agreement.answered(message.from)
    const { from, made, update, storedTo } = message
    this.#hearUnstored(from, { position: made.get(from) ?? 0, update }, storedTo)
  }

  #hearUnstored(from: string, edit: HeardEdit, storedTo: number): void {
    if (edit.position <= storedTo) return
    this.#unstored.heard(from, edit, storedTo)
    // its last words: the tab is gone already
    if (this.isLeader && this.#roster?.isGone(from)) this.#events.inherited(this.#unstored.take(from), from)
  }

  // ——— saying ———

  get #fitness(): Fitness {
    return this.#leadership?.fitness ?? { isVisible: this.#world.page.isVisible, isHelpless: false }
  }

  #post(message: Said): void {
    this.#channel?.post({ ...message, from: this.#target.opening })
  }

  #report(): void {
    const { report, history } = this.#events.report()
    this.#post({ type: 'report', report: wireReport(report), history, fitness: this.#fitness })
  }

  #sync(to: string | null): void {
    this.#post(this.#holdingFor(to))
  }

  #holdingFor(to: string | null): Said & { type: 'sync' } {
    const { isLeader } = this
    return { ...this.#holding(), type: 'sync', to, isLeader, fitness: this.#fitness }
  }

  #holding(): Holding {
    const { doc } = this.#target
    const { made, acknowledged, storedTo } = this.#events.vectors()
    return {
      made,
      acknowledged,
      storedTo,
      stateVector: Y.encodeStateVector(doc),
      presence: this.#presence.known,
      client: doc.clientID,
      remote: this.isLeader ? this.#relay.passedOn : null,
    }
  }

  // ——— leading ———

  #won(): void {
    const unkept = this.#relay.lead()
    this.#waitingReport = null
    this.#roster?.watch()
    // Everybody who knows more says so now; and learns who leads.
    this.#sync(null)
    this.#events.roleChanged(true, unkept)
    this.reportLater()
  }

  #lost(): void {
    this.#roster?.unwatch()
    this.#relay.follow(null)
    this.#events.roleChanged(false)
  }
}
