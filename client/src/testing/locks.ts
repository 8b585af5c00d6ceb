import type { LockRequest, Locks } from '../tabs/world.ts'
import type { Thread } from './thread.ts'
import type { Timeline } from './timeline.ts'

type Mode = 'exclusive' | 'shared'
type Callback = (lock: { readonly name: string } | null) => unknown

interface Request {
  readonly name: string
  readonly mode: Mode
  readonly thread: Thread
  readonly callback: Callback
  readonly resolve: (value: unknown) => void
  readonly reject: (cause: unknown) => void
  readonly stopWaiting: () => void
}

/** The Web Locks of one device: a queue for each name, first come, first served. */
export class LockTable {
  readonly #timeline: Timeline
  readonly #held = new Map<string, Set<Request>>()
  readonly #waiting = new Map<string, Request[]>()
  /** The browser answers nobody for now. */
  #isStalled = false
  #late: { readonly thread: Thread; readonly ask: () => void }[] = []
  /** Pages that are prerendered get no answer before a person looks at them. */
  readonly #prerendered = new Set<Thread>()

  constructor(timeline: Timeline) {
    this.#timeline = timeline
  }

  /** What a tab gets to see of them. */
  forTab(thread: Thread): Locks {
    return {
      request: (name, options, callback) =>
        this.#request(thread, name, options, callback as Callback) as Promise<never>,
      query: () => this.#query(thread),
    }
  }

  stall(): void {
    this.#isStalled = true
  }

  goOn(): void {
    this.#isStalled = false
    this.#askThoseThatWait()
  }

  prerender(thread: Thread): void {
    this.#prerendered.add(thread)
  }

  activate(thread: Thread): void {
    if (this.#prerendered.delete(thread)) this.#askThoseThatWait()
  }

  isPrerendered(thread: Thread): boolean {
    return this.#prerendered.has(thread)
  }

  /** What a tab holds or waits for. */
  of(thread: Thread): string[] {
    const all = [...this.#held.values(), ...this.#waiting.values()].flatMap((requests) => [...requests])
    return all.filter((request) => request.thread === thread).map(({ name }) => name)
  }

  #askThoseThatWait(): void {
    const late = this.#late
    this.#late = []
    for (const { thread, ask } of late) this.#whenAnswering(thread, ask)
  }

  #whenAnswering(thread: Thread, ask: () => void): void {
    if (this.#isStalled || this.#prerendered.has(thread)) this.#late.push({ thread, ask })
    else ask()
  }

  /** Who holds a lock, as `navigator.locks.query()` would say. */
  holders(name: string): Thread[] {
    return [...(this.#held.get(name) ?? [])].map(({ thread }) => thread)
  }

  /** The tab is gone, and its locks and requests with it. */
  tabEnded(thread: Thread): void {
    for (const [name, waiting] of this.#waiting) {
      this.#waiting.set(
        name,
        waiting.filter((request) => request.thread !== thread),
      )
    }
    for (const [name, held] of this.#held) {
      for (const request of held) if (request.thread === thread) held.delete(request)
      this.#grant(name)
    }
  }

  #query(thread: Thread): Promise<{ readonly held: readonly { readonly name: string }[] }> {
    return new Promise((resolve) => {
      this.#timeline.effectAt(this.#timeline.time, () => {
        const held = [...this.#held].flatMap(([name, requests]) => [...requests].map(() => ({ name })))
        thread.run(() => resolve({ held }))
      })
    })
  }

  #request(thread: Thread, name: string, options: LockRequest, callback: Callback): Promise<unknown> {
    const { mode = 'exclusive', ifAvailable = false, steal = false, signal } = options
    const isContradiction =
      name.startsWith('-') ||
      (steal && (ifAvailable || mode !== 'exclusive')) ||
      (signal !== undefined && (steal || ifAvailable))
    if (isContradiction) return Promise.reject(new DOMException('such a request is not possible', 'NotSupportedError'))
    if (signal?.aborted) return Promise.reject(signal.reason)
    return new Promise((resolve, reject) => {
      const abort = () => {
        const waiting = this.#waiting.get(name) ?? []
        const index = waiting.indexOf(request)
        // one that was granted already stays so
        if (index === -1 && isAsked) return
        isGivenUp = true
        waiting.splice(index, index === -1 ? 0 : 1)
        reject(signal?.reason)
        this.#grant(name)
      }
      let isAsked = false
      let isGivenUp = false
      const stopWaiting = () => signal?.removeEventListener('abort', abort)
      const request: Request = { name, mode, thread, callback, resolve, reject, stopWaiting }
      signal?.addEventListener('abort', abort)
      // the browser is asked, and answers a turn later
      const ask = () => {
        if (isGivenUp || thread.state === 'gone') return
        isAsked = true
        if (steal) this.#steal(request)
        else if (!ifAvailable) {
          this.#queue(name).push(request)
          this.#grant(name)
        } else if (this.#queue(name).length === 0 && this.#isFree(request)) this.#hold(request)
        else this.#answer(request, null)
      }
      this.#timeline.effectAt(this.#timeline.time, () => this.#whenAnswering(thread, ask))
    })
  }

  #queue(name: string): Request[] {
    let queue = this.#waiting.get(name)
    if (!queue) this.#waiting.set(name, (queue = []))
    return queue
  }

  #isFree({ name, mode }: Request): boolean {
    const held = [...(this.#held.get(name) ?? [])]
    return mode === 'shared' ? held.every((request) => request.mode === 'shared') : held.length === 0
  }

  #grant(name: string): void {
    const queue = this.#queue(name)
    while (queue[0] && this.#isFree(queue[0])) this.#hold(queue.shift()!)
  }

  #hold(request: Request): void {
    request.stopWaiting()
    let held = this.#held.get(request.name)
    if (!held) this.#held.set(request.name, (held = new Set()))
    held.add(request)
    this.#answer(request, { name: request.name })
  }

  #steal(request: Request): void {
    const robbed = [...(this.#held.get(request.name) ?? [])]
    this.#held.get(request.name)?.clear()
    for (const { thread, reject } of robbed) {
      thread.run(() => reject(new DOMException('the lock was stolen', 'AbortError')))
    }
    this.#hold(request)
  }

  #answer(request: Request, lock: { readonly name: string } | null): void {
    const { thread, callback, resolve, reject, name } = request
    thread.run(() => {
      // runs within the turn of the answer, as the API's callback does
      new Promise((settle) => settle(callback(lock))).then(resolve, reject).finally(() => {
        if (this.#held.get(name)?.delete(request)) this.#grant(name)
      })
    })
  }
}
