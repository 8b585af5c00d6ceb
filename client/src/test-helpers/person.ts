import { onTestFinished } from 'vitest'
import { type ClientOptions, createClient, type LogEntry, type TidemarkDocument } from '../index.ts'
import { Line } from './held-socket.ts'

let namespaces = 0

export interface Person {
  readonly client: ReturnType<typeof createClient>
  readonly line: Line
  readonly log: LogEntry[]
  readonly namespace: string
}

/** Somebody with a browser of their own, whose line the test holds. Closed when the test is over. */
export function personAt(url: string, options: Partial<ClientOptions> = {}): Person {
  const log: LogEntry[] = []
  const line = new Line()
  const namespace = options.namespace ?? `person${++namespaces}`
  const client = createClient({
    url,
    retry: { kind: 'steps', delays: [10], jitter: false },
    log: (entry) => log.push(entry),
    createSocket: line.createSocket,
    sendWindow: 0,
    ...options,
    namespace,
  })
  onTestFinished(() => client.close())
  return { client, line, log, namespace }
}

/** What an app hears of a document. */
export function listenTo(document: TidemarkDocument) {
  const heard = {
    pending: [] as number[],
    drained: 0,
    errors: [] as string[],
    setAside: [] as string[],
    kinds: [] as string[],
  }
  document.on('pending', ({ pendingCount }) => heard.pending.push(pendingCount))
  document.on('drained', () => heard.drained++)
  document.on('error', ({ code }) => heard.errors.push(code))
  document.on('set-aside', ({ error }) => heard.setAside.push(error.code))
  document.on('status', ({ kind }) => heard.kinds.push(kind))
  return heard
}

export function write(document: TidemarkDocument, text: string): void {
  document.doc.getText('t').insert(document.doc.getText('t').length, text)
}

export function textOf(document: TidemarkDocument): string {
  return document.doc.getText('t').toString()
}
