import type { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { Edits } from './edits.ts'
import { now } from './now.ts'
import { openSockets } from './sockets.ts'
import { letters, WordWriter } from './words.ts'

/** Which client the page's tabs use. `stock` is y-indexeddb and an unmodified HocuspocusProvider in each tab. */
export type PageKind = 'tidemark' | 'stock'

/** What can be handed to a tab as it is opened; it crosses into the browser, so it has to be plain data. */
export interface OpenOptions {
  /** For the provider: `ws://…`. */
  readonly url: string
  readonly document: string
  /** Null: none is to be had, as without a network. */
  readonly token?: string | null
  /** The Yjs client that this tab writes as; a random one unless a bench needs the same in every run. */
  readonly author?: number
  /** What the others see of this tab, and how its edits are signed. */
  readonly name?: string
  /** More of Tidemark's own `ClientOptions`, as far as they are data. Stock has no such settings. */
  readonly settings?: Readonly<Record<string, unknown>>
}

/** In Tidemark's words; of stock only what it knows: whether it is connected and whether anything is not acked. */
export interface PageStatus {
  readonly kind: string
  readonly status: string
  readonly pendingCount: number
  readonly localStore: string
  readonly code: string | null
}

/** A document that one of the clients has opened. */
export interface Opened {
  readonly awareness: Awareness | null
  readonly whenLoaded: Promise<unknown>
  readonly whenSynced: Promise<unknown>
  status(): PageStatus
  close(): Promise<unknown>
}

export type Open = (doc: Y.Doc, options: OpenOptions, note: (event: string, code?: string) => void) => Opened

/** One thing that happened in a tab, in the order in which it did. */
export interface Noted {
  readonly at: number
  readonly event: string
  readonly pendingCount: number
  /** Of a failure. */
  readonly code?: string
}

/** What a test or a figure can do in a tab: `window.tab`. */
export class TabPage {
  readonly kind: PageKind
  readonly doc = new Y.Doc()
  readonly noted: Noted[] = []
  /** When less was pending than before: acknowledgements had come. */
  readonly acknowledgedAt: number[] = []
  readonly #open: Open
  #opened: Opened | null = null
  #edits: Edits | null = null
  #loaded: Promise<number> | null = null
  #pendingCount = 0

  constructor(kind: PageKind, open: Open) {
    this.kind = kind
    this.#open = open
  }

  /** Begins to open; whatever it waits for comes later. */
  open(options: OpenOptions): void {
    const { author, name = `tab-${this.doc.clientID}` } = options
    if (author !== undefined) this.doc.clientID = author
    this.#edits = new Edits(this.doc, name)
    const start = performance.now()
    const opened = this.#open(this.doc, { ...options, name }, (event, code) => this.#note(event, code))
    this.#opened = opened
    this.#loaded = opened.whenLoaded.then(() => performance.now() - start)
    opened.awareness?.setLocalStateField('user', { name })
  }

  get edits(): Edits {
    if (!this.#edits) throw new Error('no document is open')
    return this.#edits
  }

  /** Sockets that this tab has open, or is opening, at the moment. */
  get openSockets(): number {
    return openSockets()
  }

  /** Resolves when the local copy is in the document, with the time since {@link open}, in ms. */
  whenLoaded(): Promise<number> {
    if (!this.#loaded) throw new Error('no document is open')
    return this.#loaded
  }

  async whenSynced(): Promise<void> {
    await this.#document.whenSynced
  }

  status(): PageStatus {
    return this.#document.status()
  }

  /** The names of those who are here, as this tab sees it. */
  present(): string[] {
    const states = [...(this.#document.awareness?.getStates().values() ?? [])]
    return states.flatMap(({ user }) => (user ? [String(user.name)] : [])).sort()
  }

  /** Writes a section of the document. */
  wordsOf(section: number): WordWriter {
    return new WordWriter(this.doc, section)
  }

  /** Letters of all sections together. */
  letters(): number {
    return letters(this.doc)
  }

  /**
   * Opens, and resolves when the document has so many letters and the tab is free to draw them: what belongs to the
   * same task (Yjs encodes the update for whoever listens) is over. With the time since it was called, in ms.
   */
  openUntil(expected: number, options: OpenOptions): Promise<number> {
    return new Promise((resolve) => {
      const { port1, port2 } = new MessageChannel()
      const start = performance.now()
      port1.onmessage = () => resolve(performance.now() - start)
      this.doc.on('afterTransaction', () => {
        if (this.letters() === expected) port2.postMessage(null)
      })
      this.open(options)
    })
  }

  async close(): Promise<void> {
    await this.#document.close()
  }

  get #document(): Opened {
    if (!this.#opened) throw new Error('no document is open')
    return this.#opened
  }

  #note(event: string, code?: string): void {
    // a client may have something to say while it is being made
    const pendingCount = this.#opened?.status().pendingCount ?? 0
    const at = now()
    this.noted.push({ at, event, pendingCount, ...(code ? { code } : {}) })
    if (pendingCount < this.#pendingCount) this.acknowledgedAt.push(at)
    this.#pendingCount = pendingCount
  }
}

export function expose(kind: PageKind, open: Open): void {
  window.tab = new TabPage(kind, open)
  window.Y = Y
}

declare global {
  interface Window {
    tab: TabPage
    Y: typeof Y
  }
}
