import { HocuspocusProvider, HocuspocusProviderWebsocket } from '@hocuspocus/provider'
import { createClient } from '@tidemark/client'
import { decodeServerMessage } from '@tidemark/shared'
import * as Y from 'yjs'
import { impatient, recording } from '../../helpers/writer.ts'
import { Edits } from '../oracle/edits.ts'

/** Somebody honest on a real server, whatever their client. */
export interface Person extends AsyncDisposable {
  readonly name: string
  readonly document: string
  /** Its Yjs client is the one it was given. */
  readonly isStock: boolean
  readonly doc: Y.Doc
  readonly edits: Edits
  /** Everything they wrote is said to be saved. */
  readonly isSaved: boolean
  readonly lastError: string
}

interface Who {
  name: string
  document: string
  /** The Yjs client that they begin as. */
  client: number
  url: string
  token: string
}

export function write({ doc, name }: Person, number: number): void {
  if (number % 3 === 0) doc.getText('text').insert(0, `${name}${number} `)
  else doc.getArray('edits').push([`${name}#${number}`])
}

/** An unmodified provider. What was acknowledged is read off the wire. */
export function stockPerson({ name, document, client, url, token }: Who): Person {
  const doc = new Y.Doc()
  doc.clientID = client
  const edits = new Edits(doc, () => performance.now())
  const socket = new HocuspocusProviderWebsocket({
    url,
    WebSocketPolyfill: recording(() => edits.socket()),
    ...impatient,
  })
  let lastError = ''
  const provider = new HocuspocusProvider({
    websocketProvider: socket,
    name: document,
    document: doc,
    token,
    onStateless: ({ payload }) => {
      const message = decodeServerMessage(payload)
      if (message?.tidemark === 'error') lastError = message.code
    },
    onAuthenticationFailed: ({ reason }) => {
      lastError = reason
    },
  })
  provider.attach()
  return {
    name,
    document,
    isStock: true,
    doc,
    edits,
    get isSaved() {
      return provider.synced && edits.all.every(({ isAcknowledged }) => isAcknowledged)
    },
    get lastError() {
      return lastError
    },
    async [Symbol.asyncDispose]() {
      provider.destroy()
      socket.destroy()
      doc.destroy()
    },
  }
}

/** The client of ours, in memory. What it calls saved counts as acknowledged. */
export async function tidemarkPerson({ name, document, url, token }: Omit<Who, 'client'>): Promise<Person> {
  let lastError = ''
  const client = createClient({
    url,
    auth: async () => token,
    namespace: name,
    retry: { kind: 'steps', delays: [20, 50, 150], jitter: true },
    log: ({ code }) => {
      lastError = code
    },
  })
  const opened = client.open(document)
  await opened.whenLoaded
  const edits = new Edits(opened.doc, () => performance.now())
  opened.on('drained', () => edits.acknowledgeAll())
  return {
    name,
    document,
    isStock: false,
    doc: opened.doc,
    edits,
    get isSaved() {
      return opened.synced && opened.pendingCount === 0
    },
    get lastError() {
      return `${lastError} ${opened.status.kind}`
    },
    async [Symbol.asyncDispose]() {
      await client.close()
    },
  }
}
