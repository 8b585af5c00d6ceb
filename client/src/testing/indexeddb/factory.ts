import type { Thread } from '../thread.ts'
import type { Backend, DatabaseContent, StepOutcome } from './backend.ts'
import { Connection } from './connection.ts'
import { Request } from './transaction.ts'

/** `indexedDB` as one tab sees it. */
export class Factory {
  readonly #backend: Backend
  readonly #thread: Thread

  constructor(backend: Backend, thread: Thread) {
    this.#backend = backend
    this.#thread = thread
  }

  open(name: string): Request {
    const request = new Request()
    this.#backend.enqueue(name, () => {
      const outcome = this.#backend.outcomeOf('open', name)
      if (outcome !== 'well') this.#refuse(request, name, outcome)
      else if (this.#thread.state === 'gone') this.#backend.next(name)
      else this.#connect(request, name)
    })
    return request
  }

  deleteDatabase(name: string): Request {
    const request = new Request()
    this.#backend.enqueue(name, () => {
      const outcome = this.#backend.outcomeOf('delete', name)
      if (outcome === 'well') this.#delete(request, name)
      else this.#refuse(request, name, outcome)
    })
    return request
  }

  databases(): Promise<{ name: string; version: number }[]> {
    return new Promise((resolve, reject) => {
      this.#backend.later(() => {
        const outcome = this.#backend.outcomeOf('databases', '')
        if (outcome === 'silent') return
        const found = [...this.#backend.databases.values()].filter(({ version }) => version > 0)
        const list = found.map(({ name, version }) => ({ name, version }))
        this.#thread.run(() => (outcome === 'well' ? resolve(list) : reject(errorOf(outcome))))
      })
    })
  }

  #refuse(request: Request, name: string, outcome: StepOutcome): void {
    this.#backend.next(name)
    if (outcome !== 'silent') this.#thread.run(() => request.fail(errorOf(outcome)))
  }

  #connect(request: Request, name: string): void {
    const backend = this.#backend
    const known = backend.databases.get(name)
    const content = known ?? emptyDatabase(name)
    if (!known) backend.databases.set(name, content)
    const connection = new Connection(content, this.#thread, backend)
    if (content.version > 0) {
      backend.next(name)
      this.#thread.run(() => request.succeed(connection))
      return
    }
    const upgrade = connection.begin([], 'versionchange')
    upgrade.isHeld = true
    content.version = 1
    upgrade.onOver = (isCompleted) => {
      if (!isCompleted) {
        if (backend.databases.get(name) === content) backend.databases.delete(name)
        connection.close()
      }
      backend.next(name)
      // after its own last event
      backend.soon(() =>
        this.#thread.run(() => {
          request.transaction = null
          if (isCompleted && !connection.isClosing) request.succeed(connection)
          else request.fail(new DOMException('the upgrade was aborted', 'AbortError'))
        }),
      )
    }
    this.#thread.run(() => {
      request.result = connection
      request.transaction = upgrade
      request.dispatch('upgradeneeded')
      upgrade.isHeld = false
      if (!upgrade.isOver) upgrade.start()
    })
  }

  #delete(request: Request, name: string): void {
    const backend = this.#backend
    const content = backend.databases.get(name)
    for (const connection of content?.connections ?? []) {
      if (!connection.isClosing)
        connection.thread.run(() => !connection.isClosed && connection.dispatch('versionchange'))
    }
    const finish = () => {
      if (backend.databases.get(name) === content) backend.databases.delete(name)
      backend.next(name)
      this.#thread.run(() => request.succeed(undefined))
    }
    backend.soon(() => {
      const isOpen = () => content !== undefined && content.connections.size > 0
      if (!isOpen()) return finish()
      this.#thread.run(() => request.dispatch('blocked'))
      let isDone = false
      for (const connection of content?.connections ?? []) {
        connection.onClosed = () => {
          if (isDone || isOpen()) return
          isDone = true
          backend.soon(finish)
        }
      }
    })
  }
}

function emptyDatabase(name: string): DatabaseContent {
  return { name, version: 0, stores: new Map(), connections: new Set(), transactions: [], committed: [] }
}

function errorOf(outcome: StepOutcome): DOMException {
  return outcome === 'full'
    ? new DOMException('the disk is full', 'QuotaExceededError')
    : new DOMException('the disk is broken', 'UnknownError')
}
