import * as Y from 'yjs'
import { observerFailed } from './contain.ts'

export type Bringing =
  | { readonly kind: 'integrated' }
  /** It does not decode, or Yjs could not integrate it. */
  | { readonly kind: 'unreadable'; readonly cause: unknown }

/**
 * Brings an update into a document: the one way in for all that was not written here. Yjs rethrows what an observer of
 * the app's has thrown, after integrating; that is reported, and says nothing against the update.
 * @param then done when it is integrated, before any observer hears of it
 */
export function bring(doc: Y.Doc, update: unknown, origin?: unknown, then?: () => void): Bringing {
  let bringing: Bringing = { kind: 'integrated' }
  transacting(doc, origin, () => {
    bringing = bringWithin(doc, update, origin)
    if (bringing.kind === 'integrated') then?.()
  })
  return bringing
}

/** The same inside of {@link transacting}: observers are called when that ends. */
export function bringWithin(doc: Y.Doc, update: unknown, origin?: unknown): Bringing {
  try {
    if (!(update instanceof Uint8Array)) throw new TypeError('not an update')
    Y.applyUpdate(doc, update, origin)
    return { kind: 'integrated' }
  } catch (cause) {
    return { kind: 'unreadable', cause }
  }
}

/** One transaction for what comes from elsewhere. Throws what the work throws, and nothing that observers throw. */
export function transacting(doc: Y.Doc, origin: unknown, work: () => void): void {
  let failure: { readonly error: unknown } | null = null
  try {
    Y.transact(
      doc,
      () => {
        try {
          work()
        } catch (error) {
          failure = { error }
        }
      },
      origin,
      false,
    )
  } catch (error) {
    observerFailed(doc, error)
  }
  if (failure) throw (failure as { readonly error: unknown }).error
}
