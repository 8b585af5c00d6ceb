import {
  byteSize,
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
const kib = 1024
const mib = 1024 * kib
const gib = 1024 * mib

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
  messageBytes: limit('message-bytes', 'size', '16MiB', byteSize(kib, 256 * mib), 'Largest message of a client.'),
  documentBytes: limit('document-bytes', 'size', '128MiB', byteSize(kib, gib), 'Largest document.'),
  documentsPerSocket: limit('documents-per-socket', 'number', '500', wholeNumber(1, 100_000), 'Documents on a socket.'),
  typeDepth: limit(
    'type-depth',
    'number',
    '500',
    wholeNumber(20, 2_000),
    'Types within types in a document (paragraph, cell, row, table: 4).',
  ),
  valueDepth: limit(
    'value-depth',
    'number',
    '500',
    wholeNumber(20, 2_000),
    'Depth of a single value (JSON within JSON).',
  ),
  subdocuments: limit('subdocuments', 'number', '2000', wholeNumber(0, 1_000_000), 'Documents within a document.'),
  waitingBytes: limit(
    'waiting-bytes',
    'size',
    '256KiB',
    byteSize(kib, 16 * mib),
    'Edits of a document that wait for others they build on.',
  ),
  presenceStateBytes: limit(
    'presence-state-bytes',
    'size',
    '16KiB',
    byteSize(256, mib),
    "Largest presence of a person (name, cursor); a session's together: four times that.",
  ),
  presenceStates: limit(
    'presence-states',
    'number',
    '100',
    wholeNumber(1, 10_000),
    "People that one session may speak for (a browser's tabs share one).",
  ),
  valueMembers: limit(
    'value-members',
    'number',
    '100000',
    wholeNumber(1_000, 10_000_000),
    'Values within a single value (JSON that is stored as one).',
  ),
  updateParts: limit(
    'update-parts',
    'number',
    '1000000',
    wholeNumber(1_000, 100_000_000),
    'Insertions and deletions in one message.',
  ),
  sockets: limit('sockets', 'number', '20000', wholeNumber(1, 1_000_000), 'Sockets at once.'),
  unauthenticatedSockets: limit(
    'unauthenticated-sockets',
    'number',
    '2000',
    wholeNumber(1, 1_000_000),
    'Sockets at once that have not authenticated yet.',
  ),
  authenticationMs: limit(
    'authentication-ms',
    'ms',
    '10000',
    wholeNumber(100, 600_000),
    'Time in which a new socket must authenticate.',
  ),
  queuedBytes: limit(
    'queued-bytes',
    'size',
    '64MiB',
    byteSize(mib, 64 * gib),
    'Edits that wait for the database before sockets are paused.',
  ),
  socketBufferBytes: limit(
    'socket-buffer-bytes',
    'size',
    '32MiB',
    byteSize(64 * kib, 4 * gib),
    'Bytes waiting for a slow client before it is disconnected.',
  ),
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

function limit<Value>(name: string, placeholder: string, standard: string, kind: Kind<Value>, help: string) {
  return {
    group: 'limits',
    flag: `limit-${name}`,
    variable: `TIDEMARK_LIMIT_${name.toUpperCase().replaceAll('-', '_')}`,
    placeholder,
    default: standard,
    help,
    kind,
  } as const
}

type ValueOf<S extends Setting> =
  S['kind'] extends Kind<infer Value> ? (S['default'] extends null ? Value | null : Value) : never

/** The checked value of each setting. */
export type SettingValues = { [Name in keyof typeof settings]: ValueOf<(typeof settings)[Name]> }

/** How a message calls a setting: its flag and its variable. */
export function settingTitle(setting: Setting): string {
  return setting.flag === null ? setting.variable : `--${setting.flag} (${setting.variable})`
}
