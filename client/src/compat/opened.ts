import type { TidemarkClient } from '../client.ts'
import type { TidemarkDocument } from '../document.ts'

type Listener = (document: TidemarkDocument) => void

const listenersOf = new WeakMap<TidemarkClient, Set<Listener>>()

/**
 * Hears of each document that a client opens from now on, signing out included.
 * @returns a function that stops it
 */
export function onOpened(client: TidemarkClient, listener: Listener): () => void {
  let listeners = listenersOf.get(client)
  if (!listeners) listenersOf.set(client, (listeners = tellWhatIsOpened(client)))
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

function tellWhatIsOpened(client: TidemarkClient): Set<Listener> {
  const listeners = new Set<Listener>()
  const open = client.open.bind(client)
  client.open = (name, options) => {
    const known = new Set(client.documents)
    const document = open(name, options)
    if (!known.has(document)) for (const listener of [...listeners]) listener(document)
    return document
  }
  return listeners
}
