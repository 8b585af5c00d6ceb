import { createClient } from '@tidemark/client'
import type { Client, OpenDocument } from './client-types.ts'

declare global {
  interface Window {
    /** For the developer's console and the tests. */
    tidemark?: { readonly client: Client; readonly document: OpenDocument | null }
  }
}

/**
 * A client for whoever is signed in. Each account has local databases of its own, so that the next person
 * at this browser does not open the last one's copies.
 */
export function createSession(auth: () => Promise<string>, subject: string | null): Client {
  const url = new URL('/sync', location.href)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  return createClient({
    url: url.href,
    auth,
    ...(subject === null ? {} : { namespace: `tidemark:${subject}` }),
  })
}
