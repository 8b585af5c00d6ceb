import { TidemarkError } from '@tidemark/shared'
import { type OpenedCopy, openAgain, openNewest } from './opening.ts'
import type { Remembered } from './remembered.ts'
import type { IndexeddbStoreMeans } from './store-means.ts'

export interface ReconnectionMeans {
  readonly document: string
  readonly store: IndexeddbStoreMeans
  readonly remembered: Remembered
  /** Of the database. */
  readonly name: () => string
  readonly generation: () => number
  /** The store is closed, being closed, or has lost its copy. */
  readonly isOver: () => boolean
  readonly isSetAside: () => boolean
  readonly onFound: (database: IDBDatabase) => void
  /** The browser has thrown the database away. */
  readonly onGone: () => void
  /** There is a new one instead. */
  readonly onRenewed: (opened: OpenedCopy) => void
  /** It did not work this time. */
  readonly onFailed: (cause: unknown) => void
  /** It never will. */
  readonly onLost: (error: TidemarkError) => void
  readonly track: (work: Promise<unknown>) => void
}

/** Opens a copy's database again after the browser has closed it. */
export class Reconnection {
  readonly #means: ReconnectionMeans
  #isUnderWay = false

  constructor(means: ReconnectionMeans) {
    this.#means = means
  }

  begin(): void {
    const { isOver, onFailed, onLost, track } = this.#means
    if (this.#isUnderWay || isOver()) return
    this.#isUnderWay = true
    const connecting = this.#connect()
      .catch((cause: unknown) => {
        if (!(cause instanceof TidemarkError)) onFailed(cause)
        else onLost(cause)
      })
      .finally(() => {
        this.#isUnderWay = false
      })
    track(connecting)
  }

  async #connect(): Promise<void> {
    const { name, store, remembered, isOver, onFound, onGone } = this.#means
    const database = await openAgain(name(), remembered.copy?.id, store)
    if (isOver()) {
      database?.close()
    } else if (database) {
      onFound(database)
    } else {
      onGone()
      await this.#renew()
    }
  }

  async #renew(): Promise<void> {
    const { document, store, remembered, generation, isOver, isSetAside, onRenewed } = this.#means
    if (isSetAside()) throw new TidemarkError('local-storage-unavailable')
    const opened = await openNewest(document, store)
    // What was set aside meanwhile, or is of another history, is not this copy (R9.4).
    const isOther = opened.generation > generation() || remembered.isOfOtherHistory(opened.contents)
    if (isOver() || isOther) {
      opened.database.close()
      if (isOther) throw new TidemarkError('local-storage-unavailable')
      return
    }
    onRenewed(opened)
  }
}
