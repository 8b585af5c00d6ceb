import { connect } from 'node:net'
import { type Clock, systemClock, TidemarkError } from '@tidemark/shared'
import { until } from '../../../test/helpers/until.ts'
import type { Catalogue } from '../admin/catalogue.ts'
import { createAuthoriser } from '../auth/authoriser.ts'
import { signToken } from '../auth/sign-token.ts'
import type { AuthConfig } from '../config.ts'
import { Turns } from '../fairness/turns.ts'
import { createLog, logFailure } from '../log.ts'
import { createMetrics } from '../metrics.ts'
import { createApp } from './app.ts'
import { createNetworkPolicy } from './network-policy.ts'
import type { AppParts } from './parts.ts'

export const host = 'localhost:4321'
const secret = 'a secret of thirty-two bytes, or more'
export const withSecret: AuthConfig = { mode: 'secret', secret }

const away = async (): Promise<never> => {
  throw new TidemarkError('storage-unavailable')
}
const noDatabase: Catalogue = { list: away, find: away }

/** What the HTTP side of a server needs from the rest of it; what a test needs of that it hands in. */
export function makeParts(lines: string[], changes: Partial<AppParts> = {}): AppParts {
  const auth = changes.auth ?? { mode: 'open' }
  const log = createLog('info', { write: (line) => lines.push(line) })
  const config = { host: '127.0.0.1', allowedHosts: [], allowedOrigins: [] }
  return {
    auth,
    version: '1.2.3',
    databaseKind: 'pglite',
    startedAt: Date.now() - 65_000,
    clock: systemClock satisfies Clock,
    log,
    rest: new Turns().pace().rest,
    onFailure: (failure) => logFailure(log, failure),
    metrics: createMetrics(),
    network: createNetworkPolicy({ config, port: () => 4321 }),
    authoriser: createAuthoriser(auth, systemClock),
    catalogue: noDatabase,
    live: { sessions: () => [], count: () => 0 },
    readiness: async () => ({ ready: true }),
    ...changes,
  }
}

/** The HTTP side of a server behind its front door, without the rest of it. */
export function makeApp(changes: Partial<AppParts> = {}) {
  const lines: string[] = []
  const app = createApp(makeParts(lines, changes))
  const request = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    Promise.resolve(app.request(path, { method, headers: { host, ...headers } }))
  return { request, lines }
}

export const bearer = async (documents: Record<string, 'read' | 'write' | 'admin'>) => ({
  authorization: `Bearer ${await signToken(secret, { sub: 'ada', documents, expiresIn: 60 })}`,
})

/** What somebody is told who sends a text to a port all at once, until their connection is gone. */
export async function toldUntilGone(port: number, text: string): Promise<string> {
  const client = connect({ port, host: '127.0.0.1' })
  let told = ''
  let isGone = false
  client.on('data', (data) => {
    told += data
  })
  client
    .on('error', () => {})
    .on('close', () => {
      isGone = true
    })
  client.write(text)
  await until('the connection is gone', () => isGone)
  return told
}
