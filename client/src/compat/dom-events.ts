import type { ErrorCode, TidemarkError } from '@tidemark/shared'
import type { TidemarkClient } from '../client.ts'
import type { TidemarkDocument } from '../document.ts'

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
  const offs: (() => void)[] = []
  const watched = new Map<string, TidemarkDocument>()
  const told = new WeakSet<TidemarkError>()

  const failed = (error: TidemarkError, documentName: string | null) => {
    // a failure of the connection concerns each document and the client; it is one failure
    if (told.has(error)) return
    told.add(error)
    dispatch('sync-error', { documentName, error, code: error.code, persistent: error.persistent })
  }

  const watch = (document: TidemarkDocument) => {
    const documentName = document.name
    // one that was closed with edits pending stays among them until it is open again
    watched.set(documentName, document)
    offs.push(
      document.on('pending', ({ pendingCount }) => dispatch('pending-change', { documentName, pendingCount })),
      document.on('drained', (drained) => {
        if ([...watched.values()].every(({ pendingCount }) => pendingCount === 0)) dispatch('queue-drained', drained)
      }),
      document.on('error', ({ error }) => failed(error, documentName)),
    )
  }

  if ('documents' in source) {
    offs.push(source.on('error', ({ error }) => failed(error, null)))
    for (const document of source.documents) watch(document)
    offs.push(source.on('opened', watch))
  } else watch(source)
  return () => {
    for (const off of offs.splice(0)) off()
  }
}
