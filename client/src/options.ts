import { type Clock, isDuration, systemClock, TidemarkError } from '@tidemark/shared'
import { sharedNamespace } from './account/names.ts'
import { type AccountNotes, browserNotes } from './account/notes.ts'
import type { TokenProvider } from './auth/token-source.ts'
import type { Priority } from './catch-up/batches.ts'
import { defaultHeartbeat, type HeartbeatTiming } from './link/heartbeat.ts'
import { browserNetwork, type Network } from './link/network.ts'
import { defaultRetry, type RetrySchedule, triesOf } from './link/retry.ts'
import type { CreateSocket } from './link/socket.ts'
import { consoleLog, type Log } from './log.ts'
import type { CacheLimits } from './store/eviction.ts'
import type { LocalStores } from './store/local-store.ts'
import { browserWorld } from './tabs/browser-world.ts'
import type { TabWorld } from './tabs/world.ts'

export interface ClientOptions {
  /** The server: `wss://host/sync`, or `https://host` for the same. It must not hold a token, a user or a password. */
  readonly url: string
  /**
   * Gives the token. Called when a document is opened, before the first session, when the token has run out, and when the server does not
   * accept it or asks for a new one; once however many documents ask. Default: no token.
   */
  readonly auth?: TokenProvider
  /**
   * Prefix of the local databases, so that one browser can hold several accounts; '' for none. Default: one for each
   * account, by the `sub` of its tokens; `tidemark` where there is no token, or it has none.
   */
  readonly namespace?: string
  /** Where documents are kept on this device. Default `indexeddb`; memory, visibly, where that does not work. */
  readonly localStore?: 'indexeddb' | 'memory'
  /** How much is kept on this device of what the server has, too. Default 20 MB, and 7 days after it was last used. */
  readonly cache?: Partial<CacheLimits>
  /** Ask before the tab is closed while an edit is stored nowhere. Default true. */
  readonly preventUnsavedChanges?: boolean
  /** Edits made within so many ms travel as one message. Default 20, at most 500; 0 sends each at once. */
  readonly sendWindow?: number
  /** When to try again after a failure. Default: exponential with jitter, 0.5 s to 30 s. */
  readonly retry?: RetrySchedule
  /**
   * How many tries may fail in a row, after the failure they answer, before the status says so. The tries go on.
   * Default: as many as a schedule of steps has, 5 for an exponential one.
   */
  readonly attemptsBeforeFailed?: number
  /** How long, in ms, there may be no connection before the status says so. Default half an hour. */
  readonly longOffline?: number
  /**
   * Whether what is pending in documents that are not open is sent by itself: `auto`, some seconds after each
   * connection, one tab for all; or only when the app calls `client.catchUp()`. Default `auto`.
   */
  readonly catchUp?: 'auto' | 'manual'
  /** The priority of documents that were opened without one: 0 critical, 1 high, 2 normal. Default 2 for all. */
  readonly priorityOf?: (name: string) => Priority
  /** How a dead line is noticed. Default: asked after 30 s of silence, given up after two answers missed. */
  readonly heartbeat?: HeartbeatTiming
  /** How long opening the local database may take, in ms, before the document opens in memory. Default 5000. */
  readonly openTimeLimit?: number
  /** Where failures are logged, each once. Default: the console. */
  readonly log?: Log
  /** For tests and simulations. */
  readonly clock?: Clock
  readonly createSocket?: CreateSocket
  readonly network?: Network
  /** How the tabs of this browser find each other. */
  readonly tabs?: TabWorld
  /** Where this browser notes which account was here last. */
  readonly accountNotes?: AccountNotes
  /**
   * Where copies are kept, instead of what `localStore` says: the encrypted ones of `@tidemark/client/encryption`.
   * Called for each namespace that is used, once it is known which: the account's, and the one that all shared before.
   */
  readonly localStores?: (settings: Settings) => LocalStores
}

export type Settings = Required<Omit<ClientOptions, 'localStores'>> & Pick<ClientOptions, 'localStores'>

const longestSendWindow = 500

/** @throws {TidemarkError} `configuration-invalid` */
export function settle(options: ClientOptions): Settings {
  const sendWindow = options.sendWindow ?? 20
  if (!(sendWindow >= 0 && sendWindow <= longestSendWindow)) {
    throw new TidemarkError('configuration-invalid', `sendWindow must be 0 to ${longestSendWindow} ms.`)
  }
  const retry = options.retry ?? defaultRetry
  assertTimes(options)
  return {
    url: socketUrl(options.url),
    auth: options.auth ?? (() => ''),
    namespace: options.namespace ?? sharedNamespace,
    localStore: options.localStore ?? 'indexeddb',
    cache: options.cache ?? {},
    preventUnsavedChanges: options.preventUnsavedChanges ?? true,
    sendWindow,
    retry,
    catchUp: options.catchUp ?? 'auto',
    priorityOf: options.priorityOf ?? (() => 2),
    attemptsBeforeFailed: options.attemptsBeforeFailed ?? triesOf(retry),
    longOffline: options.longOffline ?? 30 * 60_000,
    heartbeat: options.heartbeat ?? defaultHeartbeat,
    openTimeLimit: options.openTimeLimit ?? 5_000,
    log: options.log ?? consoleLog,
    clock: options.clock ?? systemClock,
    createSocket: options.createSocket ?? ((url) => new WebSocket(url)),
    network: options.network ?? browserNetwork,
    tabs: options.tabs ?? browserWorld,
    accountNotes: options.accountNotes ?? browserNotes,
    ...(options.localStores ? { localStores: options.localStores } : {}),
  }
}

/** Each time is ms, at least 0; `Infinity` is for ever. @throws {TidemarkError} `configuration-invalid` */
function assertTimes(options: ClientOptions): void {
  const { retry, heartbeat, cache, attemptsBeforeFailed, longOffline, openTimeLimit } = options
  const { interval, misses } = heartbeat ?? {}
  const { maxAge, maxBytes } = cache ?? {}
  const times: Record<string, number | undefined> = {
    ...{ attemptsBeforeFailed, longOffline, openTimeLimit },
    ...{ 'heartbeat.interval': interval, 'heartbeat.misses': misses },
    ...{ 'cache.maxAge': maxAge, 'cache.maxBytes': maxBytes },
    ...(retry?.kind === 'exponential'
      ? { 'retry.first': retry.first, 'retry.factor': retry.factor, 'retry.max': retry.max }
      : Object.fromEntries(retry?.delays.map((delay, index) => [`retry.delays[${index}]`, delay]) ?? [])),
  }
  for (const [name, value] of Object.entries(times)) if (value !== undefined) assertDuration(name, value)
}

/** @throws {TidemarkError} `configuration-invalid` */
export function assertDuration(name: string, value: unknown): asserts value is number {
  if (isDuration(value)) return
  throw new TidemarkError('configuration-invalid', `${name} must be a number that is at least 0; Infinity is one.`)
}

/** @throws {TidemarkError} `configuration-invalid`; the message does not repeat the URL, which may hold a secret */
export function socketUrl(text: string): string {
  let url: URL
  try {
    url = new URL(text)
  } catch (cause) {
    throw new TidemarkError('configuration-invalid', 'url must be an absolute URL such as wss://host/sync.', { cause })
  }
  if (url.protocol === 'http:') url.protocol = 'ws:'
  if (url.protocol === 'https:') url.protocol = 'wss:'
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:') {
    throw new TidemarkError('configuration-invalid', 'url must begin with ws:, wss:, http: or https:.')
  }
  if (url.username || url.password) {
    throw new TidemarkError('configuration-invalid', 'url must not hold a user or a password; use `auth`.')
  }
  if (url.pathname === '/') url.pathname = '/sync'
  url.hash = ''
  return url.href
}
