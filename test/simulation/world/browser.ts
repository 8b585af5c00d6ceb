import { AsyncLocalStorage } from 'node:async_hooks'
import { KeyRange, type Tab } from '@tidemark/client/testing'

/** The page that runs in a tab: the listeners it has at its window, and errors that nobody caught. */
export class Page {
  readonly tab: Tab
  readonly #listeners = new Set<readonly [type: string, listener: unknown]>()
  readonly errors: unknown[] = []
  /** How long its code has run by its own measure, in ms. */
  ran = 0

  constructor(tab: Tab) {
    this.tab = tab
  }

  listen(type: string, listener: unknown): void {
    if (![...this.#listeners].some(([known, other]) => known === type && other === listener)) {
      this.#listeners.add([type, listener])
    }
  }

  ignore(type: string, listener: unknown): void {
    for (const entry of this.#listeners) if (entry[0] === type && entry[1] === listener) this.#listeners.delete(entry)
  }

  /** Would closing the tab ask first? */
  get asksBeforeClosing(): boolean {
    return [...this.#listeners].some(([type]) => type === 'beforeunload')
  }

  get heldStill(): string[] {
    return [...this.tab.heldStill, ...[...this.#listeners].map(([type]) => `a listener for ${type}`)]
  }
}

const running = new AsyncLocalStorage<Page>()
const pages = new WeakMap<Tab, Page>()

export function pageOf(tab: Tab): Page {
  let page = pages.get(tab)
  if (!page) pages.set(tab, (page = new Page(tab)))
  return page
}

/** Runs something as the code of a page: the globals it finds, now and after each `await`, are its tab's own. */
export function within(tab: Tab, task: () => void): void {
  const page = pageOf(tab)
  running.run(page, () => {
    try {
      task()
    } catch (error) {
      // as in a browser, where it goes to the page's own error reporting
      page.errors.push(error)
    }
  })
}

interface Later {
  readonly cancel: () => void
}

/** What a browser's globals are to the code of a page; for all other code they stay what they are. */
const globals: { readonly [name: string]: (page: Page) => unknown } = {
  indexedDB: ({ tab }) => tab.indexedDB,
  IDBKeyRange: () => KeyRange,
  crypto: ({ tab }) => ciphers(tab),
  scheduler: ({ tab }) => ({ yield: () => new Promise<void>((resolve) => tab.clock.after(0, resolve)) }),
  performance: (page) => ({ now: () => (page.ran += 0.5) }),
  addEventListener: (page) => (type: string, listener: unknown) => page.listen(type, listener),
  removeEventListener: (page) => (type: string, listener: unknown) => page.ignore(type, listener),
  setTimeout: (page) => (callback: () => void, delay?: number) => after(page, callback, delay),
  clearTimeout: () => (later: Later | undefined) => later?.cancel(),
  setInterval: (page) => (callback: () => void, delay: number) => every(page, callback, delay),
  clearInterval: () => (later: Later | undefined) => later?.cancel(),
}

function after({ tab }: Page, callback: () => void, delay = 0): Later {
  return { cancel: tab.clock.after(delay, callback) }
}

function every(page: Page, callback: () => void, delay: number): Later {
  let cancel = () => {}
  const next = () => {
    cancel = page.tab.clock.after(delay, () => {
      next()
      callback()
    })
  }
  next()
  return { cancel: () => cancel() }
}

const seal = 0x5e

/** Ciphers that hide nothing, and take their time as real ones do. */
function ciphers({ clock }: Tab): unknown {
  const answer = <Result>(work: () => Result) =>
    new Promise<Result>((resolve, reject) => {
      clock.after(Math.floor(clock.random() * 3), () => {
        try {
          resolve(work())
        } catch (cause) {
          reject(cause)
        }
      })
    })
  return {
    getRandomValues: (bytes: Uint8Array) => bytes,
    subtle: {
      encrypt: (_algorithm: unknown, _key: unknown, data: Uint8Array) => answer(() => sealed(data).buffer),
      decrypt: (_algorithm: unknown, _key: unknown, data: Uint8Array) => answer(() => unsealed(data).slice().buffer),
    },
  }
}

function sealed(data: Uint8Array): Uint8Array {
  const all = new Uint8Array(data.length + 1)
  all.set(data)
  all[data.length] = seal
  return all
}

/** What was encrypted by a page of the simulation. */
export function unsealed(data: Uint8Array): Uint8Array {
  if (data.at(-1) !== seal) throw new DOMException('not what was written', 'OperationError')
  return data.subarray(0, -1)
}

export const fakeKey = {
  id: 'k',
  key: { algorithm: { name: 'AES-GCM' }, usages: ['encrypt', 'decrypt'] } as unknown as CryptoKey,
}

/** Puts the globals of pages in place. @returns a function that takes them away */
export function installGlobals(): () => void {
  const before = new Map(Object.keys(globals).map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)]))
  for (const [name, make] of Object.entries(globals)) {
    const real: unknown = Reflect.get(globalThis, name)
    Object.defineProperty(globalThis, name, {
      configurable: true,
      get() {
        const page = running.getStore()
        return page ? make(page) : real
      },
      set() {},
    })
  }
  return () => {
    for (const [name, descriptor] of before) {
      if (descriptor) Object.defineProperty(globalThis, name, descriptor)
      else Reflect.deleteProperty(globalThis, name)
    }
  }
}
