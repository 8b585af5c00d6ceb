import type * as Y from 'yjs'

/**
 * What of Yjs's inside the product looks at; here and nowhere else. (yjs 13.6, `Transaction.js`: `transact` sets
 * `_transaction` and pushes it to `_transactionCleanups`; `cleanupTransactions` empties that when all are done.)
 */
interface Inside {
  readonly _transaction: unknown
  readonly _transactionCleanups: readonly unknown[]
}

/**
 * Is no transaction under way? Transactions are synchronous: in a microtask this is false only of a document that is
 * broken. Yjs sees to the rest of a transaction one after the other, and begins again only when all are done; when
 * that was cut short by an error, no later transaction is told to anybody.
 */
export function isIdle(doc: Y.Doc): boolean {
  const { _transaction, _transactionCleanups } = doc as unknown as Inside
  return _transaction === null && _transactionCleanups.length === 0
}

type Listener = (...args: readonly unknown[]) => void

/** An emitter of lib0: a `Y.Doc`, an `Awareness`. */
export interface Emitting {
  emit: (name: string, args: readonly unknown[]) => unknown
  readonly _observers: ReadonlyMap<string, ReadonlySet<Listener>>
}

/**
 * Removes what the work began to listen to: an `Awareness` listens to its document for as long as that lives, even when
 * it was destroyed itself.
 * @returns what the work gives, and a function that ends the listening
 */
export function listeningTo<Result>(doc: Y.Doc, event: string, work: () => Result): [Result, () => void] {
  const { _observers } = doc as unknown as Emitting
  const before = new Set(_observers.get(event))
  const result = work()
  const begun = [...(_observers.get(event) ?? [])].filter((listener) => !before.has(listener))
  return [
    result,
    () => {
      for (const listener of begun) doc.off(event as 'destroy', listener as () => void)
    },
  ]
}
