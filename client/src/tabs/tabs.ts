import type { Clock, TidemarkError } from '@tidemark/shared'
import type { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { missing, type Vector } from '../status/positions.ts'
import type { Report } from '../status/status.ts'
import type { History } from '../store/local-store.ts'
import { Agreement } from './agreement.ts'
import { Election } from './election.ts'
import {
  type Holding,
  readError,
  readReport,
  readTabMessage,
  type TabMessage,
  tabProtocol,
  wireError,
  wireReport,
} from './messages.ts'
import { TabPresence } from './presence.ts'
import { Relay } from './relay.ts'
import { Roster } from './roster.ts'
import { Vigil } from './vigil.ts'
import type { Channel, TabWorld } from './world.ts'

export interface TabsTarget {
  readonly opening: string
  readonly doc: Y.Doc
  readonly awareness: Awareness
}

export interface TabsEvents {
  /** @param unkept what the last leader passed on and did not store: this one has to (D1.3) */
  roleChanged(isLeader: boolean, unkept?: readonly Uint8Array[]): void
  /** Edits of other tabs are in the document now; `update` holds them. */
  held(made: Vector, acknowledged: Vector, update: Uint8Array): void
  /** The leader says how the document stands. */
  reported(report: Report, history: History | null): void
  /** Another tab asks the leader. */
  asked(what: 'flush' | 'retry'): void
  failed(error: TidemarkError): void
  setAside(error: TidemarkError): void
  /** What this opening has to tell. */
  vectors(): { readonly made: Vector; readonly acknowledged: Vector }
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
  #election: Election | null = null
  #roster: Roster | null = null
  readonly #vigil: Vigil
  readonly #agreement: Agreement
  readonly #presence: TabPresence
  readonly #relay: Relay
  #channel: Channel | null = null
  #leader: string | null = null
  #isAlone = false
  #isCatchingUp = false
  #reportIsDue = false
  #cancelWay: (() => void) | null = null
  #stopListening: () => void = () => {}
  /** Who was asked and has not answered, with what ends the waiting. */
  readonly #asking = new Map<string, () => void>()

  constructor(target: TabsTarget, world: TabWorld, clock: Clock, events: TabsEvents) {
    this.#target = target
    this.#world = world
    this.#clock = clock
    this.#events = events
    this.#vigil = new Vigil(clock, {
      ask: () => this.#post({ type: 'ping' }),
      silent: () => this.#election?.takeOver(),
    })
    this.#agreement = new Agreement(clock)
    this.#presence = new TabPresence(target.awareness, {
      isLeader: () => this.isLeader,
      say: (update) => this.#post({ type: 'presence', update }),
    })
    this.#relay = new Relay(clock, (number) => this.#post({ type: 'kept', number }))
  }

  /** The origin of the transactions that bring other tabs' edits. */
  get origin(): unknown {
    return this
  }

  /** Another tab is just answering what this one asked for: what it brings may have been missed by everybody else. */
  get isCatchingUp(): boolean {
    return this.#isCatchingUp
  }

  get isLeader(): boolean {
    return this.#isAlone || (this.#election?.isLeader ?? false)
  }

  /**
   * @param copy the copy on this device, which other tabs may have, too; null when it is this tab's alone
   * @returns settles when the role of this tab is known
   */
  async join(copy: string | null): Promise<void> {
    const { locks } = this.#world
    const name = `tidemark/${tabProtocol}:${copy}`
    const channel = copy !== null && locks ? this.#world.openChannel(name) : null
    if (!channel || !locks) {
      this.#isAlone = true
      this.#events.roleChanged(true)
      return
    }
    this.#election = new Election(name, locks, { won: () => this.#won(), lost: () => this.#lost() })
    this.#roster = new Roster(name, locks, this.#target.opening, (client) => this.#presence.gone(client))
    this.#channel = channel
    channel.onMessage = (data) => {
      const message = readTabMessage(data)
      if (message && this.#channel === channel) this.#receive(message)
    }
    this.#presence.start()
    this.#stopListening = this.#world.page.listen({
      visibilityChanged: () => this.#visibilityChanged(),
      stopping: () => this.#election?.withdraw(),
      resumed: () => this.#resumed(),
    })
    this.#roster.enter()
    await this.#election.stand()
    if (this.#channel !== channel || this.isLeader) return
    this.#vigil.start()
    this.#sync(null)
    if (this.#world.page.isVisible) this.#post({ type: 'claim' })
  }

  /** Lets go of the others: they do not hear of this opening any more, nor it of them. */
  leave(): void {
    const wasLeader = this.isLeader
    this.#isAlone = false
    if (!this.#channel) {
      if (wasLeader) this.#events.roleChanged(false)
      return
    }
    this.#election?.withdraw()
    this.#stopListening()
    this.#presence.stop()
    this.#post({ type: 'bye' })
    this.#vigil.stop()
    this.#roster?.leave()
    this.#relay.stop()
    this.#cancelWay?.()
    this.#cancelWay = null
    for (const cancel of this.#asking.values()) cancel()
    this.#asking.clear()
    this.#agreement.giveUp()
    this.#channel.close()
    this.#channel = this.#election = this.#roster = this.#leader = null
  }

  /** An edit was made in this opening. */
  edited(update: Uint8Array, position: number): void {
    this.#post({ type: 'edit', position, update })
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

  ask(what: 'flush' | 'retry'): void {
    this.#post({ type: 'ask', what })
  }

  tellFailure(error: TidemarkError): void {
    if (this.isLeader) this.#post({ type: 'failed', error: wireError(error) })
  }

  tellSetAside(error: TidemarkError): void {
    this.#post({ type: 'set-aside', error: wireError(error) })
  }

  /** A session has begun: those whom the server took away with the last one show themselves again. */
  askPresence(): void {
    this.#post({ type: 'show-presence' })
  }

  /** The openings of this device's other tabs that are there. */
  get openings(): ReadonlySet<string> {
    return this.#roster?.openings ?? new Set()
  }

  /** Their Yjs clients. */
  get clients(): ReadonlySet<number> {
    return this.#roster?.clients ?? new Set()
  }

  /** Settles when every edit that was made in another tab before is in this one, as far as the others answer in time. */
  async whenAgreed(): Promise<void> {
    if (!this.#channel) return
    const others = await this.#roster!.others()
    if (others.length === 0) return
    const agreed = this.#agreement.wait(others)
    for (const other of others) this.#post(this.#holdingFor(other))
    await agreed
  }

  // ——— hearing ———

  #receive(message: TabMessage): void {
    if (message.from === this.#leader) this.#vigil.heard()
    switch (message.type) {
      case 'edit':
        this.#hearEdit(message.from, message.position, message.update)
        break
      case 'remote':
        this.#hearRemote(message.from, message.number, message.update)
        break
      case 'kept':
        if (message.from === this.#leader) this.#relay.heardKept(message.number)
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
        this.#hearClaim(message.from)
        break
      case 'yield':
        if (message.to === this.#target.opening) this.#election?.takeOver()
        break
      case 'ping':
        if (this.isLeader) this.#post({ type: 'beat', isVisible: this.#world.page.isVisible })
        break
      case 'beat':
        this.#hearLeader(message.from, message.isVisible)
        break
      case 'ask':
        if (this.isLeader) this.#events.asked(message.what)
        break
      case 'failed':
        if (!this.isLeader) this.#events.failed(readError(message.error))
        break
      case 'set-aside':
        this.#events.setAside(readError(message.error))
        break
      case 'bye':
        this.#roster?.remove(message.from)
        if (message.from === this.#leader) this.#leader = null
    }
  }

  #hearEdit(from: string, position: number, update: Uint8Array): void {
    if (!this.#apply(update)) return
    const known = this.#events.vectors().made.get(from) ?? 0
    if (position <= known) return
    // An edit between was missed (this tab is new, or was frozen): only its author can say what it was.
    if (position > known + 1) this.#askFor(from)
    else this.#events.held(new Map([[from, position]]), noVector, update)
  }

  #hearRemote(from: string, number: number, update: Uint8Array): void {
    if (from !== this.#leader || !this.#apply(update)) return
    if (!this.#relay.heard(number, update)) this.#askFor(from)
  }

  #hearReport(message: TabMessage & { type: 'report' }): void {
    this.#hearLeader(message.from, message.isVisible)
    if (!this.isLeader) this.#events.reported(readReport(message.report), message.history)
  }

  #hearLeader(from: string, isVisible: boolean): void {
    if (this.isLeader) return
    if (this.#leader !== from) {
      this.#leader = from
      this.#relay.follow(null)
      this.#askFor(from)
    }
    this.#vigil.heard()
    if (!isVisible && this.#world.page.isVisible) this.#post({ type: 'claim' })
  }

  #hearSync(message: TabMessage & { type: 'sync' }): void {
    this.#roster?.add(message.from, message.client)
    if (message.presence) this.#presence.apply(message.presence)
    if (message.isLeader && !this.isLeader) {
      this.#leader = message.from
      this.#relay.follow(message.remote ?? 0)
    }
    const isForMe = message.to === null ? this.isLeader || message.isLeader : message.to === this.#target.opening
    if (!isForMe) return
    const holding = this.#holding()
    const { made } = message
    // asks back only if the other one has something
    const isBehind = missing(made, holding.made) > 0 || !covers(this.#target.doc, message.stateVector)
    this.#post({
      ...holding,
      type: 'diff',
      to: message.from,
      update: Y.encodeStateAsUpdate(this.#target.doc, message.stateVector),
      stateVector: isBehind ? holding.stateVector : null,
    })
    if (this.isLeader) this.#report()
    else if (message.isLeader && !message.isVisible && this.#world.page.isVisible) this.#post({ type: 'claim' })
  }

  #hearDiff(message: TabMessage & { type: 'diff' }): void {
    if (message.to !== this.#target.opening) return
    this.#asking.get(message.from)?.()
    this.#asking.delete(message.from)
    this.#roster?.add(message.from, message.client)
    if (message.presence) this.#presence.apply(message.presence)
    this.#isCatchingUp = true
    const isApplied = this.#apply(message.update)
    this.#isCatchingUp = false
    if (!isApplied) return
    if (message.remote !== null && message.from === this.#leader) this.#relay.caughtUp(message.remote, message.update)
    this.#events.held(message.made, message.acknowledged, message.update)
    this.#agreement.answered(message.from)
    if (!message.stateVector) return
    this.#post({
      ...this.#holding(),
      type: 'diff',
      to: message.from,
      update: Y.encodeStateAsUpdate(this.#target.doc, message.stateVector),
      stateVector: null,
    })
  }

  #hearClaim(from: string): void {
    if (!this.#election?.isLeader || this.#world.page.isVisible) return
    this.#election.makeWay()
    this.#post({ type: 'yield', to: from })
    // should the other one have gone meanwhile
    this.#cancelWay ??= this.#clock.after(yieldTime, () => {
      this.#cancelWay = null
      if (this.isLeader || !this.#channel) return
      this.#election?.withdraw()
      void this.#election?.stand()
    })
  }

  // ——— saying ———

  #post(message: Said): void {
    this.#channel?.post({ ...message, from: this.#target.opening })
  }

  #report(): void {
    const { report, history } = this.#events.report()
    this.#post({ type: 'report', report: wireReport(report), history, isVisible: this.#world.page.isVisible })
  }

  #sync(to: string | null): void {
    this.#post(this.#holdingFor(to))
  }

  #holdingFor(to: string | null): Said & { type: 'sync' } {
    const { isLeader } = this
    return { ...this.#holding(), type: 'sync', to, isLeader, isVisible: this.#world.page.isVisible }
  }

  #holding(): Holding {
    const { doc } = this.#target
    const { made, acknowledged } = this.#events.vectors()
    return {
      made,
      acknowledged,
      stateVector: Y.encodeStateVector(doc),
      presence: this.#presence.known,
      client: doc.clientID,
      remote: this.isLeader ? this.#relay.passedOn : null,
    }
  }

  /** Asks one tab for what it has, once until it answers. */
  #askFor(opening: string): void {
    if (this.#asking.has(opening)) return
    // an answer may be lost with its tab; then the next gap asks again
    this.#asking.set(
      opening,
      this.#clock.after(askAgainAfter, () => this.#asking.delete(opening)),
    )
    this.#sync(opening)
  }

  #apply(update: Uint8Array): boolean {
    try {
      Y.applyUpdate(this.#target.doc, update, this)
      return true
    } catch {
      return false
    }
  }

  // ——— leading ———

  #won(): void {
    this.#leader = null
    const unkept = this.#relay.lead()
    this.#vigil.stop()
    this.#roster?.watch()
    // Everybody who knows more says so now; and learns who leads.
    this.#sync(null)
    this.#events.roleChanged(true, unkept)
    this.reportLater()
  }

  #lost(): void {
    this.#roster?.unwatch()
    this.#relay.follow(null)
    if (this.#channel) this.#vigil.start()
    this.#events.roleChanged(false)
  }

  #visibilityChanged(): void {
    const { isVisible } = this.#world.page
    // a leader that is hidden now says so, and whoever is visible claims
    if (this.isLeader) this.#post({ type: 'beat', isVisible })
    else if (isVisible) this.#post({ type: 'claim' })
  }

  #resumed(): void {
    if (!this.#channel) return
    void this.#election?.stand().then(() => {
      if (!this.#channel || this.isLeader) return
      this.#vigil.start()
      this.#sync(null)
    })
  }
}

type WithoutSender<Message> = Message extends unknown ? Omit<Message, 'from'> : never
type Said = WithoutSender<TabMessage>

const noVector: Vector = new Map()
/** ms a hidden leader that made way waits to be followed. */
const yieldTime = 1_000
const askAgainAfter = 1_000

/** Does the document hold everything that a state vector names? */
function covers(doc: Y.Doc, stateVector: Uint8Array): boolean {
  for (const [client, clock] of Y.decodeStateVector(stateVector)) {
    if (Y.getState(doc.store, client) < clock) return false
  }
  return true
}
