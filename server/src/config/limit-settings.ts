import { byteSize, type Kind, wholeNumber } from './kinds.ts'

const kib = 1024
const mib = 1024 * kib
const gib = 1024 * mib

/** What a client, a user, a document or all of them together may take of the server. */
export const limitSettings = {
  messageBytes: limit('message-bytes', 'size', '16MiB', byteSize(kib, 256 * mib), 'Largest message of a client.'),
  documentBytes: limit('document-bytes', 'size', '128MiB', byteSize(kib, gib), 'Largest document.'),
  documentsPerSocket: limit('documents-per-socket', 'number', '500', wholeNumber(1, 100_000), 'Documents on a socket.'),
  sessionsPerDocument: limit(
    'sessions-per-document',
    'number',
    '20',
    wholeNumber(1, 10_000),
    'Times that one document may be open on one socket.',
  ),
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
  clientsPerDocument: limit(
    'clients-per-document',
    'number',
    '100000',
    wholeNumber(1, 10_000_000),
    'Yjs clients whose edits a document holds: each opening of a page that writes is one.',
  ),
  subdocuments: limit('subdocuments', 'number', '2000', wholeNumber(0, 1_000_000), 'Documents within a document.'),
  waitingBytes: limit(
    'waiting-bytes',
    'size',
    '64KiB',
    byteSize(kib, 16 * mib),
    'Edits of a document that wait for others they build on; an insertion counts 32 bytes more, a deletion 64, a document 512.',
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
    'Values within a single value (JSON that is stored as one), or inserted as one.',
  ),
  updateParts: limit(
    'update-parts',
    'number',
    '1000000',
    wholeNumber(1_000, 100_000_000),
    'Insertions, deletions and values in one message.',
  ),
  sockets: limit('sockets', 'number', '20000', wholeNumber(1, 1_000_000), 'Sockets at once.'),
  unauthenticatedSockets: limit(
    'unauthenticated-sockets',
    'number',
    '2000',
    wholeNumber(1, 1_000_000),
    'Sockets at once that have not authenticated yet.',
  ),
  socketsPerAddress: limit(
    'sockets-per-address',
    'number',
    '5000',
    wholeNumber(1, 1_000_000),
    'Sockets at once from one address.',
  ),
  socketsPerUser: limit('sockets-per-user', 'number', '500', wholeNumber(1, 1_000_000), 'Sockets at once of one user.'),
  sessionsPerUser: limit(
    'sessions-per-user',
    'number',
    '10000',
    wholeNumber(1, 10_000_000),
    'Documents that one user has open at once, counted per tab.',
  ),
  messagesPerSecond: limit(
    'messages-per-second',
    'number',
    '2000',
    wholeNumber(1, 10_000_000),
    'Messages of one user that are read in a second, beyond what ten seconds allow at once; ten times as many of one address.',
  ),
  bytesPerSecond: limit(
    'bytes-per-second',
    'size',
    '16MiB',
    byteSize(kib, gib),
    'Bytes of one user that are read in a second, beyond what ten seconds allow at once; ten times as many of one address.',
  ),
  requestsPerSecond: limit(
    'requests-per-second',
    'number',
    '1000',
    wholeNumber(1, 10_000_000),
    'HTTP requests of one address in a second, beyond what ten seconds allow at once.',
  ),
  newSocketsPerSecond: limit(
    'new-sockets-per-second',
    'number',
    '300',
    wholeNumber(1, 10_000_000),
    'Sockets that one address opens in a second, beyond what ten seconds allow at once.',
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
  outgoingBytes: limit(
    'outgoing-bytes',
    'size',
    '512MiB',
    byteSize(mib, 64 * gib),
    'Bytes waiting for all slow clients together, before the slowest are disconnected.',
  ),
} as const

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
