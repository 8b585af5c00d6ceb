import type { LogLevel } from './config/kinds.ts'
import { isLoopback } from './config/loopback.ts'
import { type Environment, invalidSetting, readSettings, unknownVariables } from './config/read-settings.ts'
import { type SettingValues, settings } from './config/settings.ts'

export type { LogLevel } from './config/kinds.ts'

/** Who may sign tokens. `open` takes any token, and is for loopback addresses only (S1). */
export type AuthConfig =
  | { readonly mode: 'open' }
  | { readonly mode: 'secret'; readonly secret: string }
  | { readonly mode: 'jwks'; readonly url: URL; readonly issuer: string | null; readonly audience: string | null }

/** What a server was told, checked. What each setting means and its default: `config/settings.ts`. */
export interface Config {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  /** `null`: the database inside `dataFolder`. */
  readonly databaseUrl: string | null
  readonly dataFolder: string
  readonly redisUrl: string | null
  readonly auth: AuthConfig
  readonly allowedHosts: readonly string[]
  readonly allowedOrigins: readonly string[]
  /** Addresses or networks (`10.0.0.0/8`) of proxies that say where a client is. */
  readonly trustedProxies: readonly string[]
  readonly logLevel: LogLevel
  readonly limits: {
    readonly messageBytes: number
    readonly documentBytes: number
    readonly documentsPerSocket: number
    readonly sessionsPerDocument: number
    readonly typeDepth: number
    readonly valueDepth: number
    readonly clientsPerDocument: number
    readonly subdocuments: number
    readonly waitingBytes: number
    readonly presenceStateBytes: number
    readonly presenceStates: number
    readonly valueMembers: number
    readonly updateParts: number
    readonly sockets: number
    readonly unauthenticatedSockets: number
    readonly socketsPerAddress: number
    readonly socketsPerUser: number
    readonly sessionsPerUser: number
    /** Of one user; ten times as many of one address. */
    readonly messagesPerSecond: number
    readonly bytesPerSecond: number
    /** Of one address. */
    readonly requestsPerSecond: number
    readonly newSocketsPerSecond: number
    readonly authenticationMs: number
    /** Bytes of edits waiting for the database, over all documents. */
    readonly queuedBytes: number
    readonly socketBufferBytes: number
    readonly outgoingBytes: number
  }
  readonly journal: { readonly windowMs: number }
  readonly snapshots: { readonly debounceMs: number; readonly maxDebounceMs: number }
  /** Time limit for a graceful shutdown. */
  readonly shutdownMs: number
}

/**
 * Reads the configuration of a server: flags over environment over defaults, each value checked (W1).
 * @throws {TidemarkError} `configuration-invalid`, whose message names the setting, its problem and what to write
 */
export function parseConfig(args: readonly string[], env: Environment): Config {
  const values = readSettings(args, env)
  if (values.snapshotDebounceMs > values.snapshotMaxDebounceMs) {
    throw invalidSetting(
      settings.snapshotDebounceMs,
      `${values.snapshotDebounceMs} is more than the longest time without a snapshot. ` +
        `Write at most ${values.snapshotMaxDebounceMs}, or raise ${settings.snapshotMaxDebounceMs.variable}.`,
    )
  }
  return {
    host: values.host,
    port: values.port,
    databaseUrl: values.databaseUrl?.href ?? null,
    dataFolder: values.dataFolder,
    redisUrl: values.redisUrl?.href ?? null,
    auth: authOf(values),
    allowedHosts: values.allowedHosts,
    allowedOrigins: values.allowedOrigins,
    trustedProxies: values.trustedProxies,
    logLevel: values.logLevel,
    limits: {
      messageBytes: values.messageBytes,
      documentBytes: values.documentBytes,
      documentsPerSocket: values.documentsPerSocket,
      sessionsPerDocument: values.sessionsPerDocument,
      typeDepth: values.typeDepth,
      valueDepth: values.valueDepth,
      clientsPerDocument: values.clientsPerDocument,
      subdocuments: values.subdocuments,
      waitingBytes: values.waitingBytes,
      presenceStateBytes: values.presenceStateBytes,
      presenceStates: values.presenceStates,
      valueMembers: values.valueMembers,
      updateParts: values.updateParts,
      sockets: values.sockets,
      unauthenticatedSockets: values.unauthenticatedSockets,
      socketsPerAddress: values.socketsPerAddress,
      socketsPerUser: values.socketsPerUser,
      sessionsPerUser: values.sessionsPerUser,
      messagesPerSecond: values.messagesPerSecond,
      bytesPerSecond: values.bytesPerSecond,
      requestsPerSecond: values.requestsPerSecond,
      newSocketsPerSecond: values.newSocketsPerSecond,
      authenticationMs: values.authenticationMs,
      queuedBytes: values.queuedBytes,
      socketBufferBytes: values.socketBufferBytes,
      outgoingBytes: values.outgoingBytes,
    },
    journal: { windowMs: values.journalWindowMs },
    snapshots: { debounceMs: values.snapshotDebounceMs, maxDebounceMs: values.snapshotMaxDebounceMs },
    shutdownMs: values.shutdownMs,
  }
}

/** The fewest bytes of a secret: as many as HS256's hash has, below which it can be guessed offline. */
export const minSecretBytes = 32

function authOf(values: SettingValues): AuthConfig {
  const { authSecret: secret, authJwksUrl: url, authIssuer: issuer, authAudience: audience, host } = values
  if (secret !== null && url !== null) {
    throw invalidSetting(
      settings.authSecret,
      `It is set together with ${settings.authJwksUrl.variable}, and a token can be checked by one of them only. Unset one.`,
    )
  }
  for (const [value, setting] of [
    [issuer, settings.authIssuer],
    [audience, settings.authAudience],
  ] as const) {
    if (value === null || url !== null) continue
    throw invalidSetting(
      setting,
      `It is checked only with a key set, and there is none. Set ${settings.authJwksUrl.variable} too, or unset it.`,
    )
  }
  if (url !== null) return { mode: 'jwks', url, issuer, audience }
  if (secret !== null) {
    const bytes = Buffer.byteLength(secret)
    if (bytes >= minSecretBytes) return { mode: 'secret', secret }
    throw invalidSetting(
      settings.authSecret,
      `The secret is too short (${bytes} of at least ${minSecretBytes} bytes). Write one such as the output of "openssl rand -base64 48".`,
    )
  }
  if (isLoopback(host)) return { mode: 'open' }
  throw invalidSetting(
    settings.host,
    `"${host}" can be reached from other machines, and without a secret anybody could read and change everything. ` +
      `Set ${settings.authSecret.variable} or ${settings.authJwksUrl.variable}, or write 127.0.0.1.`,
  )
}

/** What a person who starts a server with this configuration should know, one sentence each. */
export function configurationWarnings(config: Config, env: Environment): string[] {
  const warnings: string[] = []
  const { auth } = config
  if (auth.mode === 'open') {
    warnings.push(
      `Anybody on this machine may read and change every document: neither ${settings.authSecret.variable} ` +
        `nor ${settings.authJwksUrl.variable} is set.`,
    )
  }
  if (auth.mode === 'jwks' && auth.url.protocol === 'http:' && !isLoopback(auth.url.hostname)) {
    warnings.push(
      `${settings.authJwksUrl.variable} is fetched without encryption: whoever sits in between can sign tokens.`,
    )
  }
  if (auth.mode === 'jwks' && auth.issuer === null && auth.audience === null) {
    warnings.push(
      `Neither ${settings.authIssuer.variable} nor ${settings.authAudience.variable} is set: ` +
        'a token made for another application by the same service is accepted here.',
    )
  }
  if (config.redisUrl !== null) {
    warnings.push(`${settings.redisUrl.variable} is not used by this version: run one node only.`)
  }
  for (const { variable, suggestion } of unknownVariables(env)) {
    warnings.push(`${variable} is not a setting.${suggestion === null ? '' : ` Did you mean ${suggestion}?`}`)
  }
  return warnings
}
