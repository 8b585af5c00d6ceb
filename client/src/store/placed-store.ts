import type { TidemarkError } from '@tidemark/shared'
import type { LocalStore, LocalStores, SetAside } from './local-store.ts'
import type { UnkeptEdits } from './page-keeping.ts'

/** Where a document's copy is kept, and where instead when that does not work. */
export interface Place {
  readonly stores: Pick<LocalStores, 'open'>
  readonly memory: LocalStores
  /** Of the copy, for all its generations. */
  readonly name: string
  /** The names under which this page may hold edits for it: its own, and the one it had before it was known whose it is. */
  readonly heldAs: readonly string[]
  /** May what this account made be there (D3.9)? */
  readonly isOurs: (account: string) => boolean
  /** Keeps in the page what could be kept nowhere. @returns a function that lets go of it */
  readonly hold: (edits: UnkeptEdits) => () => void
  /** The same of a copy that was set aside: it must not come into the one that took its place. */
  readonly holdAside: (edits: UnkeptEdits, why: SetAside) => Promise<void>
}

/** The store of one opening. What comes before it is known where the copy is waits, in its order. */
export class PlacedStore {
  readonly #open: (stores: Place['stores']) => LocalStore
  readonly #placed: Promise<Place>
  #place: Place | null = null
  #store: LocalStore | null = null
  #waiting: ((store: LocalStore) => void)[] = []
  #memoryReason: TidemarkError | null = null

  /** @param place never rejects */
  constructor(place: Place | Promise<Place>, open: (stores: Place['stores']) => LocalStore) {
    this.#open = open
    this.#placed =
      place instanceof Promise ? place.then((known) => this.#begin(known)) : Promise.resolve(this.#begin(place))
  }

  #begin(place: Place): Place {
    this.#place = place
    try {
      this.#store = this.#open(place.stores)
    } catch (error) {
      this.useMemory(error as TidemarkError)
    }
    const waiting = this.#waiting
    this.#waiting = []
    for (const act of waiting) act(this.#store!)
    return place
  }

  whenPlaced(): Promise<Place> {
    return this.#placed
  }

  /** Null until it is known. */
  get place(): Place | null {
    return this.#place
  }

  /** Null until it is known where the copy is. */
  get store(): LocalStore | null {
    return this.#store
  }

  /** Why it is memory, when it is that instead of what was asked for. */
  get memoryReason(): TidemarkError | null {
    return this.#memoryReason
  }

  useMemory(reason: TidemarkError): LocalStore {
    this.#memoryReason = reason
    this.#store = this.#open(this.#place!.memory)
    return this.#store
  }

  do<Result>(act: (store: LocalStore) => Promise<Result>): Promise<Result> {
    if (this.#store) return act(this.#store)
    return new Promise((resolve, reject) => this.#waiting.push((store) => act(store).then(resolve, reject)))
  }
}
