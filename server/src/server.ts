import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { systemClock } from '@tidemark/shared'
import { createAuthoriser } from './auth/authoriser.ts'
import type { Config } from './config.ts'
import { type Database, openDatabase } from './database/database.ts'
import { createNetworkPolicy } from './http/network-policy.ts'
import { type Log, logFailure } from './log.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { type SyncFailure, SyncServer } from './sync.ts'
import { version } from './version.ts'

export interface RunningServer {
  /** Where people and clients reach it, such as `http://127.0.0.1:4321`. */
  readonly url: string
  readonly port: number
  /** Shuts down in order (W3); calling it again waits for the same shutdown. */
  stop(): Promise<void>
}

/**
 * Starts a Tidemark server: database, sync, HTTP.
 * @throws {TidemarkError} `data-folder-in-use`, `schema-too-new`; the system's error when the port is taken
 */
export async function startServer(config: Config, { log }: { log: Log }): Promise<RunningServer> {
  const metrics = createMetrics()
  const onFailure = (failure: SyncFailure): void => {
    metrics.failures.inc({ code: failure.code })
    logFailure(log, {
      code: failure.code,
      document: failure.documentName ?? undefined,
      session: failure.userId ?? undefined,
      attempt: failure.attempt as number | undefined,
      cause: failure.cause,
    })
  }
  const database = await openDatabase(
    config.databaseUrl === null ? { dataFolder: config.dataFolder } : { databaseUrl: config.databaseUrl },
    (cause) => onFailure({ code: 'storage-unavailable', attempt: 'idle connection', cause }),
  )
  let port = config.port
  const policy = createNetworkPolicy({ config, port: () => port })
  const sync = new SyncServer({
    config,
    database,
    authoriser: createAuthoriser(config.auth, systemClock),
    clock: systemClock,
    version,
    checkUpgrade({ headers }) {
      if (!policy.isHostAllowed(headers.host)) return 'host-not-allowed'
      return policy.isOriginAllowed(headers.origin, headers.host) ? null : 'origin-not-allowed'
    },
    onFailure,
  })
  observe(sync, metrics, log)

  let isStopping = false
  const readiness = () => readinessOf(sync, database, isStopping)
  const http = createServer((request, response) => void answer(request, response, readiness))
  sync.acceptOn(http)
  try {
    port = await listen(http, config)
  } catch (error) {
    await sync.stop(0)
    await database.close()
    throw error
  }

  const stop = async (): Promise<void> => {
    isStopping = true
    log.info('stopping: committing what is queued')
    const left = await sync.stop(config.shutdownMs)
    if (left > 0) log.error({ updates: left }, 'stopped before everything was committed; nobody was told it was saved')
    http.close()
    http.closeAllConnections()
    await database.close()
    log.info('stopped')
  }
  let stopping: Promise<void> | null = null
  const name = config.host.includes(':') ? `[${config.host}]` : config.host
  return { url: `http://${name}:${port}`, port, stop: () => (stopping ??= stop()) }
}

type Readiness = { ready: true } | { ready: false; reasons: string[] }

async function readinessOf(sync: SyncServer, database: Database, isStopping: boolean): Promise<Readiness> {
  const reasons: string[] = []
  if (isStopping) reasons.push('shutting down')
  if (!sync.journal.available || !(await answers(database))) reasons.push('the database is away')
  return reasons.length === 0 ? { ready: true } : { ready: false, reasons }
}

async function answers(database: Database): Promise<boolean> {
  let cancel = (): void => {}
  const late = new Promise<false>((resolve) => {
    cancel = systemClock.after(2_000, () => resolve(false))
  })
  const ping = database.run({ name: 'tidemark-ping', text: 'select 1' }, []).then(
    () => true,
    () => false,
  )
  const result = await Promise.race([ping, late])
  cancel()
  return result
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  readiness: () => Promise<Readiness>,
): Promise<void> {
  const state = request.url === '/readyz' ? await readiness() : { ready: true }
  response.writeHead(state.ready ? 200 : 503, { 'content-type': 'application/json' }).end(JSON.stringify(state))
}

function observe(sync: SyncServer, metrics: Metrics, log: Log): void {
  sync.journal.events.on('committed', ({ updates, seconds }) => {
    metrics.batchUpdates.observe(updates)
    metrics.commitSeconds.observe(seconds)
  })
  sync.journal.events.on('storage', ({ available }) => {
    if (available) log.info('the database is back')
  })
  sync.documents.events.on('snapshot', ({ documentName, revision, bytes }) =>
    log.debug({ document: documentName, revision, bytes }, 'snapshot'),
  )
}

async function listen(http: Server, { host, port }: Config): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    http.once('error', reject)
    http.listen(port, host, () => {
      http.off('error', reject)
      resolve()
    })
  })
  return (http.address() as AddressInfo).port
}
