import type { Awareness } from 'y-protocols/awareness'
import type * as Y from 'yjs'
import type { Emitting } from './internals.ts'

type Report = (error: unknown) => void

interface Containment {
  readonly reports: Report[]
  readonly end: () => void
}

const containments = new WeakMap<object, Containment>()

/**
 * Keeps what the app's listeners throw from everybody else. lib0 stops at the first listener that throws, so those
 * behind it never hear; and Yjs, which is then in the middle of a transaction's end, leaves the document broken.
 * @param report told of each error; it is the app's fault, and what was told has happened all the same
 * @returns a function that ends it
 */
export function contain(emitter: Y.Doc | Awareness, report: Report): () => void {
  let containment = containments.get(emitter)
  if (!containment) containments.set(emitter, (containment = begin(emitter as unknown as Emitting)))
  const { reports, end } = containment
  reports.push(report)
  return () => {
    const index = reports.indexOf(report)
    if (index === -1) return
    reports.splice(index, 1)
    if (reports.length > 0) return
    containments.delete(emitter)
    end()
  }
}

function begin(emitter: Emitting): Containment {
  const reports: Report[] = []
  const emit = (name: string, args: readonly unknown[]) => {
    // as lib0 does it: those who begin to listen meanwhile do not hear this one
    for (const listener of [...(emitter._observers.get(name) ?? [])]) {
      try {
        listener(...args)
      } catch (error) {
        reports.at(-1)?.(error)
      }
    }
  }
  const before = Object.getOwnPropertyDescriptor(emitter, 'emit')
  emitter.emit = emit
  const end = () => {
    // somebody else has put something in its place meanwhile
    if (emitter.emit !== emit) return
    if (before) Object.defineProperty(emitter, 'emit', before)
    else Reflect.deleteProperty(emitter, 'emit')
  }
  return { reports, end }
}

/** An observer of the app's threw. Whoever contains the document is told; without anybody, as if it were not caught. */
export function observerFailed(doc: Y.Doc, error: unknown): void {
  const report = containments.get(doc)?.reports.at(-1)
  if (report) report(error)
  else {
    setTimeout(() => {
      throw error
    })
  }
}
