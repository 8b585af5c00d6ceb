import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { type ErrorCode, systemClock } from '@tidemark/shared'
import type { Gauge } from 'prom-client'
import { createCatalogue } from './admin/catalogue.ts'
import { createAuthoriser } from './auth/authoriser.ts'
import { Revocations, withRevocations } from './auth/revocations.ts'
import type { Config } from './config.ts'
import { type Database, openDatabase } from './database/database.ts'
import { Memory } from './documents/memory.ts'
import { Arrivals } from './fairness/arrivals.ts'
import { eventLoop } from './fairness/turns.ts'
import { createApp } from './http/app.ts'
import { createClientAddress, createConnectionAddress } from './http/client-address.ts'
import { Connections } from './http/connections.ts'
import { frontDoor } from './http/front-door.ts'
import { connectionsOfAddress, httpOptions, limitConnections } from './http/limits.ts'
import { createNetworkPolicy } from './http/network-policy.ts'
import { answerNonsense } from './http/nonsense.ts'
import type { AppParts } from './http/parts.ts'
import { createReadiness } from './http/readiness.ts'
import { upgradesOf } from './http/upgrades.ts'
import { Repeats } from './log/repeats.ts'
import { type Log, logFailure } from './log.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { type SyncFailure, SyncServer } from './sync.ts'
import { version } from './version.ts'

export interface RunningServer {
  /** Where people and clients reach it, such as `http://127.0.0.1:4321`. */
  readonly url: string
  readonly port: number
  /** Takes people's access away while they are here, and gives it back (S8). */
  readonly revocations: Pick<Revocations, 'revoke' | 'restore'>
  /**
   * Shuts down in order (W3); calling it again waits for the same shutdown.
   * @returns how many updates could not be committed within the time limit: nobody was told that they were saved
   */
  stop(): Promise<number>
}

/**
 * Starts a Tidemark server: database, sync, HTTP.
 * @throws {TidemarkError} `data-folder-in-use`, `schema-too-new`, `schema-unusable`; the system's error when the port is taken
 */
export async function startServer(
  config: Config,
  { log, memory = new Memory() }: { log: Log; memory?: Memory },
): Promise<RunningServer> {
  const metrics = createMetrics()
  const repeats = new Repeats(systemClock, (failure) => logFailure(log, failure))
  const onFailure = (failure: SyncFailure): void => {
    metrics.failures.inc({ code: failure.code })
    repeats.log({
      code: failure.code,
      document: failure.documentName ?? undefined,
      session: failure.sessionId,
      user: failure.userId ?? undefined,
      attempt: failure.attempt,
      cause: failure.cause,
    })
  }
  const database = await openDatabase(
    config.databaseUrl === null ? { dataFolder: config.dataFolder } : { databaseUrl: config.databaseUrl },
    (cause) => onFailure({ code: 'storage-unavailable', attempt: 'idle connection', cause }),
  )
  const revocations = await openRevocations(database, (cause) =>
    onFailure({ code: 'storage-unavailable', attempt: 'look for revocations', cause }),
  )
  const authoriser = withRevocations(createAuthoriser(config.auth, systemClock), revocations)
  let port = config.port
  const policy = createNetworkPolicy({ config, port: () => port })
  const sync = new SyncServer({
    config,
    database,
    authoriser,
    revocations,
    clock: systemClock,
    memory,
    version,
    checkUpgrade({ headers }) {
      if (!policy.isHostAllowed(headers.host)) return 'host-not-allowed'
      return policy.isOriginAllowed(headers.origin, headers.host) ? null : 'origin-not-allowed'
    },
    onFailure,
  })
  observe(sync, metrics, log)

  let isStopping = false
  const { rest } = eventLoop.pace()
  const parts: AppParts = {
    rest,
    auth: config.auth,
    version,
    databaseKind: database.kind,
    startedAt: systemClock.now(),
    clock: systemClock,
    log,
    metrics,
    network: policy,
    authoriser,
    catalogue: createCatalogue(database.kysely),
    live: { sessions: (name) => sync.sessionsOf(name), count: (name) => sync.sessionsOf(name).length },
    onFailure: (failure) => repeats.log(failure),
    readiness: createReadiness({
      isAvailable: () => sync.journal.available,
      isStopping: () => isStopping,
      troubles: () => database.troubles(),
      clock: systemClock,
      rest,
    }),
  }
  const arrivals = new Arrivals({ ...config.limits, connections: connectionsOfAddress(config.limits) })
  const turns = eventLoop
  const addressOf = createClientAddress(config.trustedProxies)
  const connections = new Connections(turns.pace())
  const door = {
    ...parts,
    arrivals,
    turns,
    connections,
    addressOf,
    onRefused: (code: ErrorCode) => onFailure({ code }),
  }
  const http = createServer(httpOptions, frontDoor(door, getRequestListener(createApp(parts).fetch)))
  limitConnections(http, config.limits, arrivals, connections, createConnectionAddress(config.trustedProxies))
  answerNonsense(http, connections)
  sync.acceptOn(upgradesOf(http, door), turns, { arrivals, addressOf })
  try {
    port = await listen(http, config)
  } catch (error) {
    revocations.close()
    await sync.stop(0)
    await database.close()
    repeats.end()
    throw error
  }

  const stop = async (): Promise<number> => {
    isStopping = true
    log.info('stopping: committing what is queued')
    const left = await sync.stop(config.shutdownMs)
    if (left > 0) log.error({ updates: left }, 'stopped before everything was committed; nobody was told it was saved')
    http.close()
    http.closeAllConnections()
    revocations.close()
    await database.close()
    repeats.end()
    log.info('stopped')
    return left
  }
  let stopping: Promise<number> | null = null
  const name = config.host.includes(':') ? `[${config.host}]` : config.host
  return { url: `http://${name}:${port}`, port, revocations, stop: () => (stopping ??= stop()) }
}

async function openRevocations(database: Database, onFailure: (cause: unknown) => void): Promise<Revocations> {
  try {
    return await Revocations.open({ database, clock: systemClock, onFailure })
  } catch (error) {
    await database.close()
    throw error
  }
}

function observe(sync: SyncServer, metrics: Metrics, log: Log): void {
  measured(metrics.sockets, () => sync.sockets.count)
  measured(metrics.sessions, () => sum(sync.sockets.gates(), ({ sessions }) => sessions.size))
  measured(metrics.documents, () => sync.documents.count)
  measured(metrics.journalQueueBytes, () => sync.journal.queued.bytes)
  measured(metrics.journalQueueUpdates, () => sync.journal.queued.updates)
  measured(metrics.acksHeld, () => sum([...sync.documents.all()], ({ line }) => line.waiting))
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

/** Read when the metrics are asked for: no counter that could drift. */
function measured(gauge: Gauge, read: () => number): void {
  Object.assign(gauge, { collect: () => gauge.set(read()) })
}

const sum = <Item>(items: Item[], of: (item: Item) => number): number =>
  items.reduce((total, item) => total + of(item), 0)

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
