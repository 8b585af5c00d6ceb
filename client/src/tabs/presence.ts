import {
  type Awareness,
  applyAwarenessUpdate,
  encodeAwarenessUpdate,
  removeAwarenessStates,
} from 'y-protocols/awareness'
import { forgetAbsent } from '../link/provider.ts'

interface AwarenessChange {
  readonly added: number[]
  readonly updated: number[]
  readonly removed: number[]
}

export interface PresenceMeans {
  /** A leader speaks for everybody it knows: the other tabs, and those behind the server. */
  readonly isLeader: () => boolean
  readonly say: (update: Uint8Array) => void
}

/** Who is here, as the tabs of a browser tell each other (D1.6). */
export class TabPresence {
  readonly #awareness: Awareness
  readonly #means: PresenceMeans

  constructor(awareness: Awareness, means: PresenceMeans) {
    this.#awareness = awareness
    this.#means = means
  }

  start(): void {
    this.#awareness.on('update', this.#onUpdate)
  }

  stop(): void {
    this.#awareness.off('update', this.#onUpdate)
  }

  /** What this tab can say of who is here; null when that is nobody. */
  get known(): Uint8Array | null {
    const states = this.#awareness.getStates()
    const clients = this.#means.isLeader() ? [...states.keys()] : [this.#awareness.clientID]
    const here = clients.filter((client) => states.has(client))
    return here.length > 0 ? encodeAwarenessUpdate(this.#awareness, here) : null
  }

  apply(update: Uint8Array): void {
    try {
      applyAwarenessUpdate(this.#awareness, update, this)
      forgetAbsent(this.#awareness)
    } catch {
      // a state that cannot be read is shown by the next one
    }
  }

  /** Says again that this tab is here, in a way that those who saw it go take notice of. */
  show(): void {
    const state = this.#awareness.getLocalState()
    if (state) this.#awareness.setLocalState(state)
  }

  /** A tab is gone. The others hear of it. */
  gone(client: number): void {
    removeAwarenessStates(this.#awareness, [client], 'tab gone')
  }

  readonly #onUpdate = ({ added, updated, removed }: AwarenessChange, origin: unknown): void => {
    if (origin === this) return
    const changed = [...added, ...updated, ...removed]
    const own = this.#means.isLeader() ? changed : changed.filter((client) => client === this.#awareness.clientID)
    if (own.length > 0) this.#means.say(encodeAwarenessUpdate(this.#awareness, own))
  }
}
