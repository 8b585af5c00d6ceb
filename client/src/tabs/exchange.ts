import type { Clock } from '@tidemark/shared'
import * as Y from 'yjs'
import { bring } from '../replica/bring.ts'
import { missing, type Vector } from '../status/positions.ts'
import type { Holding, TabMessage } from './messages.ts'

export type Said = WithoutSender<TabMessage>
type WithoutSender<Message> = Message extends unknown ? Omit<Message, 'from'> : never
type Answer = Omit<TabMessage & { type: 'diff' }, 'from'>

export interface ExchangeMeans {
  readonly clock: Clock
  readonly doc: Y.Doc
  /** The origin of the transactions that bring other tabs' edits. */
  readonly origin: unknown
  readonly say: (message: Said) => void
  /** What this opening has, as it tells the others. */
  readonly holding: () => Holding
  readonly made: () => Vector
  readonly isLeader: () => boolean
  /** Is it this opening, or another one that is known to be there? */
  readonly isHere: (opening: string) => boolean
  readonly ask: (opening: string) => void
  /** Nobody is asked any more. */
  readonly complete: () => void
  /** The app hears of it when all of it is done. */
  readonly together: <Result>(work: () => Result) => Result
  /** Edits of other tabs are in the document now; `update` holds them. */
  readonly held: (made: Vector, acknowledged: Vector, update: Uint8Array) => void
}

/** ms after which a tab that did not answer may be asked again. */
const askAgainAfter = 1_000
const noVector: Vector = new Map()

/**
 * Another tab answers what this one has asked for, and what it brings may have been missed by everybody else. `left`:
 * something of it is pending of an opening that is not there, and that nobody else will store.
 */
export type CatchingUp = 'kept' | 'left'
const emptyUpdate = Uint8Array.of(0, 0)

/**
 * How edits come from tab to tab: one by one as they are made, each with its position; and all at once, by comparison,
 * for a tab that is new or has missed something.
 */
export class Exchange {
  readonly #means: ExchangeMeans
  /** Who was asked and has not answered, with what ends the waiting. */
  readonly #asking = new Map<string, () => void>()
  #catchingUp: CatchingUp | null = null

  constructor(means: ExchangeMeans) {
    this.#means = means
  }

  get catchingUp(): CatchingUp | null {
    return this.#catchingUp
  }

  /** @returns whether it could be read */
  apply(update: Uint8Array): boolean {
    return bring(this.#means.doc, update, this.#means.origin).kind === 'integrated'
  }

  /** Counted before an observer of the app's hears of it: nobody may call saved what is not counted. */
  #hold(update: Uint8Array, made: Vector, acknowledged: Vector): boolean {
    const { doc, origin, held, together } = this.#means
    const count = () => held(made, acknowledged, update)
    return together(() => bring(doc, update, origin, count).kind === 'integrated')
  }

  hearEdit(from: string, position: number, update: Uint8Array): void {
    const known = this.#means.made().get(from) ?? 0
    if (position === known + 1) this.#hold(update, new Map([[from, position]]), noVector)
    // An edit between was missed (this tab is new, or was frozen): only its author can say what it was.
    else if (this.apply(update) && position > known) this.askFor(from)
  }

  /** Tells somebody what they lack; asks back only if they have something. */
  answer({ from, made, stateVector }: { readonly from: string } & Holding): void {
    const holding = this.#means.holding()
    const isBehind = missing(made, holding.made) > 0 || !covers(this.#means.doc, stateVector)
    this.#means.say(this.#diffFor(from, stateVector, isBehind ? holding.stateVector : null))
  }

  /** @returns whether it could be read */
  hearAnswer({ from, update, made, acknowledged, stateVector }: TabMessage & { type: 'diff' }): boolean {
    this.#asking.get(from)?.()
    // Others may have missed it as well. The count comes before the content: nobody may call saved what is not counted.
    if (this.#means.isLeader() && missing(made, this.#means.made()) > 0) {
      const { say, holding } = this.#means
      say({ ...holding(), type: 'diff', to: null, made, acknowledged, update: emptyUpdate, stateVector: null })
    }
    this.#catchingUp = this.#isLeft(made, acknowledged) ? 'left' : 'kept'
    const isApplied = this.#hold(update, made, acknowledged)
    this.#catchingUp = null
    this.#answered(from)
    if (!isApplied) return false
    if (stateVector) this.#means.say(this.#diffFor(from, stateVector, null))
    return true
  }

  /** Is something in it news, pending, and of an opening that is gone? */
  #isLeft(made: Vector, acknowledged: Vector): boolean {
    const known = this.#means.made()
    return [...made].some(([opening, position]) => {
      const settled = Math.max(known.get(opening) ?? 0, acknowledged.get(opening) ?? 0)
      return position > settled && !this.#means.isHere(opening)
    })
  }

  /** Asks one tab for what it has, once until it answers. */
  askFor(opening: string): void {
    if (this.#asking.has(opening)) return
    // an answer may be lost with its tab; then the next gap asks again
    const cancel = this.#means.clock.after(askAgainAfter, () => this.#answered(opening))
    this.#asking.set(opening, cancel)
    this.#means.ask(opening)
  }

  get isAsking(): boolean {
    return this.#asking.size > 0
  }

  #answered(opening: string): void {
    if (this.#asking.delete(opening) && !this.isAsking) this.#means.complete()
  }

  stop(): void {
    for (const cancel of this.#asking.values()) cancel()
    this.#asking.clear()
  }

  #diffFor(to: string, stateVector: Uint8Array, asksBack: Uint8Array | null): Answer {
    const update = Y.encodeStateAsUpdate(this.#means.doc, stateVector)
    return { ...this.#means.holding(), type: 'diff', to, update, stateVector: asksBack }
  }
}

/** Does the document hold everything that a state vector names? */
function covers(doc: Y.Doc, stateVector: Uint8Array): boolean {
  for (const [client, clock] of Y.decodeStateVector(stateVector)) {
    if (Y.getState(doc.store, client) < clock) return false
  }
  return true
}
