import type { ErrorCode, TidemarkError } from '@tidemark/shared'
import type { TidemarkClient } from '../client.ts'
import type { TidemarkDocument } from '../document.ts'
import { watchDocuments } from '../watch-documents.ts'

export interface DomEventOptions {
  /** `heys:pending-change` and so on. Default `heys`. */
  readonly prefix?: string
  /** Where they are dispatched. Default `window`. */
  readonly target?: EventTarget
}

/** The details of the three events, by what follows the prefix. */
export interface DomEventDetails {
  /** An edit was made; in the same tick (H2). */
  'pending-change': { readonly documentName: string; readonly pendingCount: number }
  /** The server has stored everything, of all documents that are listened to (H3). */
  'queue-drained': { readonly lastSavedAt: number }
  /** Show the persistent ones to the person: they do not go away by themselves. No name: it concerns all documents. */
  'sync-error': {
    readonly documentName: string | null
    readonly error: TidemarkError
    readonly code: ErrorCode
    readonly persistent: boolean
  }
}

/**
 * Says the events of a document, or of all documents of a client, as DOM events (D4.4).
 * @returns a function that stops it
 */
export function emitDomEvents(
  source: TidemarkDocument | TidemarkClient,
  { prefix = 'heys', target = globalThis as unknown as EventTarget }: DomEventOptions = {},
): () => void {
  const dispatch = <Name extends keyof DomEventDetails>(name: Name, detail: DomEventDetails[Name]) => {
    target.dispatchEvent(new CustomEvent(`${prefix}:${name}`, { detail }))
  }
  /** By name; of one that was closed with edits pending only how many, until it is open again. */
  const watched = new Map<string, TidemarkDocument | number>()
  const isSaved = (known: TidemarkDocument | number) => (typeof known === 'number' ? known : known.pendingCount) === 0
  const told = new WeakSet<TidemarkError>()

  const failed = (error: TidemarkError, documentName: string | null) => {
    // a failure of the connection concerns each document and the client; it is one failure
    if (told.has(error)) return
    told.add(error)
    dispatch('sync-error', { documentName, error, code: error.code, persistent: error.persistent })
  }

  const stopWatching = watchDocuments(source, {
    watch: (document) => {
      const documentName = document.name
      watched.set(documentName, document)
      return [
        document.on('pending', ({ pendingCount }) => dispatch('pending-change', { documentName, pendingCount })),
        document.on('drained', (drained) => {
          if ([...watched.values()].every(isSaved)) dispatch('queue-drained', drained)
        }),
        document.on('error', ({ error }) => failed(error, documentName)),
      ]
    },
    closed: (document) => {
      const { name, pendingCount } = document
      if (watched.get(name) !== document) return
      if (pendingCount > 0) watched.set(name, pendingCount)
      else watched.delete(name)
    },
  })
  const offError = 'documents' in source ? source.on('error', ({ error }) => failed(error, null)) : () => {}
  return () => {
    stopWatching()
    offError()
    watched.clear()
  }
}
