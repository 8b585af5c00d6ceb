import {
  addressList,
  hostList,
  type Kind,
  listenAddress,
  logLevels,
  oneOf,
  originList,
  plainText,
  secretText,
  url,
  wholeNumber,
} from './kinds.ts'
import { limitSettings } from './limit-settings.ts'

/** One thing that can be configured. Parsing, `--help` and the documentation read this table; nothing repeats it. */
export interface Setting {
  readonly group: 'server' | 'storage' | 'sign-in' | 'network' | 'limits' | 'timing'
  /** Without its dashes; `null` where a command line, which every user of the machine can read, is no place for it. */
  readonly flag: string | null
  readonly variable: string
  /** What stands for the value in `--help`. */
  readonly placeholder: string
  /** As it would be written; `null` when the setting is off unless it is given. */
  readonly default: string | null
  readonly help: string
  readonly kind: Kind<unknown>
  /** The value is, or may contain, a password: no message repeats it. */
  readonly confidential?: true
}

const day = 24 * 60 * 60 * 1000

export const settings = {
  host: {
    group: 'server',
    flag: 'host',
    variable: 'HOST',
    placeholder: 'address',
    default: '127.0.0.1',
    help: 'Address to listen on; any but a loopback address needs a secret or a key set.',
    kind: listenAddress,
  },
  port: {
    group: 'server',
    flag: 'port',
    variable: 'PORT',
    placeholder: 'number',
    default: '4321',
    help: 'Port to listen on; 0 takes any free one.',
    kind: wholeNumber(0, 65_535),
  },
  logLevel: {
    group: 'server',
    flag: 'log-level',
    variable: 'TIDEMARK_LOG_LEVEL',
    placeholder: 'level',
    default: 'info',
    help: `How much is logged to stderr: ${logLevels.join(', ')}.`,
    kind: oneOf(logLevels),
  },
  databaseUrl: {
    group: 'storage',
    flag: 'database-url',
    variable: 'DATABASE_URL',
    placeholder: 'url',
    default: null,
    help: 'Postgres to keep documents in; without it a database inside the data folder is used.',
    kind: url(['postgres', 'postgresql'], 'postgres://user:password@localhost:5432/tidemark'),
    confidential: true,
  },
  dataFolder: {
    group: 'storage',
    flag: 'data',
    variable: 'TIDEMARK_DATA',
    placeholder: 'folder',
    default: './data',
    help: 'Folder of the database that is used without DATABASE_URL.',
    kind: plainText,
  },
  redisUrl: {
    group: 'storage',
    flag: 'redis-url',
    variable: 'REDIS_URL',
    placeholder: 'url',
    default: null,
    help: 'Redis that joins several nodes; checked, but not used by this version.',
    kind: url(['redis', 'rediss'], 'redis://localhost:6379'),
    confidential: true,
  },
  authSecret: {
    group: 'sign-in',
    flag: null,
    variable: 'TIDEMARK_AUTH_SECRET',
    placeholder: 'text',
    default: null,
    help: 'Secret, of at least 32 bytes, that tokens are signed with (HS256).',
    kind: secretText,
    confidential: true,
  },
  authJwksUrl: {
    group: 'sign-in',
    flag: 'auth-jwks-url',
    variable: 'TIDEMARK_AUTH_JWKS_URL',
    placeholder: 'url',
    default: null,
    help: 'Key set (JWKS) of the service that signs the tokens (RS256, PS256, ES256, EdDSA).',
    kind: url(['https', 'http'], 'https://login.example.org/.well-known/jwks.json'),
    confidential: true,
  },
  authIssuer: {
    group: 'sign-in',
    flag: 'auth-issuer',
    variable: 'TIDEMARK_AUTH_ISSUER',
    placeholder: 'text',
    default: null,
    help: 'With a key set: the issuer (iss) that a token must name.',
    kind: plainText,
  },
  authAudience: {
    group: 'sign-in',
    flag: 'auth-audience',
    variable: 'TIDEMARK_AUTH_AUDIENCE',
    placeholder: 'text',
    default: null,
    help: 'With a key set: the audience (aud) that a token must name.',
    kind: plainText,
  },
  allowedHosts: {
    group: 'network',
    flag: 'allowed-hosts',
    variable: 'TIDEMARK_ALLOWED_HOSTS',
    placeholder: 'names',
    default: '',
    help: "Names the server answers under, beside its own address and the loopback's; separated by commas.",
    kind: hostList,
  },
  allowedOrigins: {
    group: 'network',
    flag: 'allowed-origins',
    variable: 'TIDEMARK_ALLOWED_ORIGINS',
    placeholder: 'origins',
    default: '',
    help: 'Pages (such as https://app.example.org) that may connect, beside its own; separated by commas.',
    kind: originList,
  },
  trustedProxies: {
    group: 'network',
    flag: 'trusted-proxies',
    variable: 'TIDEMARK_TRUSTED_PROXIES',
    placeholder: 'addresses',
    default: '',
    help: 'Proxies whose X-Forwarded-For says where a client is; addresses or networks (10.0.0.0/8), separated by commas.',
    kind: addressList,
  },
  ...limitSettings,
  journalWindowMs: {
    group: 'timing',
    flag: 'journal-window-ms',
    variable: 'TIDEMARK_JOURNAL_WINDOW_MS',
    placeholder: 'ms',
    default: '5',
    help: 'The least time between two commits; edits wait for it together.',
    kind: wholeNumber(0, 100),
  },
  snapshotDebounceMs: {
    group: 'timing',
    flag: 'snapshot-debounce-ms',
    variable: 'TIDEMARK_SNAPSHOT_DEBOUNCE_MS',
    placeholder: 'ms',
    default: '2000',
    help: 'Pause in the editing after which a snapshot is considered.',
    kind: wholeNumber(0, day),
  },
  snapshotMaxDebounceMs: {
    group: 'timing',
    flag: 'snapshot-max-debounce-ms',
    variable: 'TIDEMARK_SNAPSHOT_MAX_DEBOUNCE_MS',
    placeholder: 'ms',
    default: '10000',
    help: 'Longest time without considering a snapshot while the editing goes on.',
    kind: wholeNumber(0, day),
  },
  shutdownMs: {
    group: 'timing',
    flag: 'shutdown-ms',
    variable: 'TIDEMARK_SHUTDOWN_MS',
    placeholder: 'ms',
    default: '10000',
    help: 'Time limit of a graceful shutdown.',
    kind: wholeNumber(0, 600_000),
  },
} as const satisfies Record<string, Setting>

type ValueOf<S extends Setting> =
  S['kind'] extends Kind<infer Value> ? (S['default'] extends null ? Value | null : Value) : never

/** The checked value of each setting. */
export type SettingValues = { [Name in keyof typeof settings]: ValueOf<(typeof settings)[Name]> }

/** How a message calls a setting: its flag and its variable. */
export function settingTitle(setting: Setting): string {
  return setting.flag === null ? setting.variable : `--${setting.flag} (${setting.variable})`
}
