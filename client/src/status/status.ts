import { assertNever, type ServerMessage, type TidemarkError } from '@tidemark/shared'
import { type Attention, type Failing, isFailing, type Offline, oneMore } from './attention.ts'
import * as positionsOf from './positions.ts'
import { isUnkept, noPositions, type Positions, pendingCount, sentTo, type Vector } from './positions.ts'
import { inTrueWords } from './wording.ts'

export type ConnectionStatus = 'connecting' | 'connected' | 'disconnected'

/** What a token allows in a document. */
export type Level = Extract<ServerMessage, { tidemark: 'hello' }>['level']

export type LocalStoreStatus =
  /** `failure` is there while edits are not kept: the device is full, or the browser refuses. They are tried again. */
  | { readonly kind: 'indexeddb'; readonly failure?: TidemarkError }
  /** `reason` is null when the app asked for memory. */
  | { readonly kind: 'memory'; readonly reason: TidemarkError | null }

/** What is known about a document, whatever its kind. */
export interface DocumentFacts {
  /** The field that consumers of Yjs providers read. */
  readonly status: ConnectionStatus
  /** Edits that the server has not acknowledged. */
  readonly pendingCount: number
  /** Unix time in ms at which everything was last acknowledged; null before the first time. */
  readonly lastSavedAt: number | null
  readonly localStore: LocalStoreStatus
  /** What the token allows here, as the server has last said it; null until it has. */
  readonly level: Level | null
  /** What the person should be told beyond the state; null when there is nothing. */
  readonly attention: Attention | null
}

export type DocumentState =
  /** The local copy is being opened. */
  | { readonly kind: 'loading' }
  /** No connection; edits are kept on this device. `error` says what the last attempt met. */
  | { readonly kind: 'offline'; readonly error: TidemarkError | null }
  /** Something is on its way: edits, or the handshake. */
  | { readonly kind: 'syncing' }
  /** The server holds everything, durably. */
  | { readonly kind: 'saved' }
  /** Edits cannot be saved for now. */
  | { readonly kind: 'error'; readonly error: TidemarkError }

export type DocumentStatus = DocumentFacts & DocumentState

/** All that decides a document's status. */
export interface Situation {
  /** The opening whose situation this is. */
  readonly opening: string
  /** How many tries in a row may fail before the person is told (D3.4). */
  readonly tries: number
  readonly loaded: boolean
  readonly localStore: LocalStoreStatus
  /** Why the local store does not keep edits for now. */
  readonly storeFailure: TidemarkError | null
  /** The copy was thrown away: not even what was stored before is there. */
  readonly isCopyGone: boolean
  readonly connection: ConnectionStatus
  /** What the last attempt to connect met; null from the start and from each success on. */
  readonly connectionError: TidemarkError | null
  /** Why edits cannot be saved although there may be a connection. */
  readonly obstacle: TidemarkError | null
  readonly failing: Failing | null
  /** Null while there is a connection, and when none is wanted. */
  readonly offline: Offline | null
  readonly positions: Positions
  readonly lastSavedAt: number | null
  readonly level: Level | null
}

export function beginning(opening: string, tries = 5): Situation {
  return { ...blank, opening, tries }
}

const blank: Situation = {
  opening: '',
  tries: 0,
  loaded: false,
  localStore: { kind: 'indexeddb' },
  storeFailure: null,
  isCopyGone: false,
  connection: 'connecting',
  connectionError: null,
  obstacle: null,
  failing: null,
  offline: null,
  positions: noPositions,
  lastSavedAt: null,
  level: null,
}

/** How a document stands with the server, as its leader knows it; the other tabs show the same (D1.5). */
export interface Report {
  readonly connection: ConnectionStatus
  readonly connectionError: TidemarkError | null
  readonly obstacle: TidemarkError | null
  readonly failing: Failing | null
  readonly offline: Offline | null
  readonly level: Level | null
  readonly lastSavedAt: number | null
  readonly sent: Vector
  readonly acknowledged: Vector
  readonly refused: boolean
  readonly handshaken: boolean
}

export type Happening =
  /** A person (or the app) has edited in this opening. */
  | { readonly type: 'edited' }
  /** What an earlier opening of this page could not store is this one's now, as so many edits. */
  | { readonly type: 'took-over'; readonly count: number }
  /** This replica holds these edits of other openings now, and what they said was durable. */
  | { readonly type: 'held'; readonly made: Vector; readonly acknowledged: Vector }
  | {
      readonly type: 'loaded'
      readonly localStore: LocalStoreStatus
      readonly made: Vector
      readonly acknowledged: Vector
    }
  | { readonly type: 'stored'; readonly position: number }
  | { readonly type: 'store-failed'; readonly error: TidemarkError }
  | { readonly type: 'store-recovered' }
  | { readonly type: 'store-lost'; readonly error: TidemarkError }
  /** The copy was thrown away, and is being written again. */
  | { readonly type: 'store-gone' }
  | { readonly type: 'store-rewritten'; readonly position: number }
  | { readonly type: 'connection'; readonly connection: ConnectionStatus; readonly at: number }
  | { readonly type: 'connection-failed'; readonly error: TidemarkError; readonly at: number }
  /** A session failed; another one is tried, or not. */
  | { readonly type: 'session-failed'; readonly error: TidemarkError; readonly at: number }
  /** The connection is not there for as long as the person should know. */
  | { readonly type: 'offline-long' }
  /** The person has gone offline with the document, on purpose. */
  | { readonly type: 'parted' }
  /** The person asks to try again. */
  | { readonly type: 'retried' }
  | { readonly type: 'session-began' }
  /** So many writes, which only together carry every edit held now. */
  | { readonly type: 'sent'; readonly parts?: number }
  | { readonly type: 'acknowledged'; readonly at: number }
  | { readonly type: 'refused'; readonly error: TidemarkError }
  | { readonly type: 'session-ended' }
  | { readonly type: 'permitted'; readonly level: Level }
  /** This tab leads from now on, or no longer. */
  | { readonly type: 'role-changed' }
  /** The tab that leads says how it stands. */
  | { readonly type: 'leader-said'; readonly report: Report; readonly at: number }
  | { readonly type: 'obstructed'; readonly error: TidemarkError; readonly at: number }
  | { readonly type: 'unobstructed' }

/** The one place where a document's situation changes. Pure: whoever calls it does what follows. */
export function after(situation: Situation, happening: Happening): Situation {
  const { positions } = situation
  switch (happening.type) {
    case 'edited':
      return { ...situation, positions: positionsOf.made(positions, ownEdits(situation, 1)) }
    case 'took-over':
      return { ...situation, positions: positionsOf.made(positions, ownEdits(situation, happening.count)) }
    case 'held':
      return held(situation, happening.made, happening.acknowledged)
    case 'loaded':
      return {
        ...situation,
        loaded: true,
        localStore: happening.localStore,
        positions: held(situation, happening.made, happening.acknowledged).positions,
      }
    case 'stored':
      return { ...situation, positions: positionsOf.stored(positions, happening.position) }
    case 'store-failed':
      return { ...situation, storeFailure: happening.error }
    case 'store-recovered':
      return { ...situation, storeFailure: null }
    case 'store-lost':
      return {
        ...situation,
        storeFailure: null,
        localStore: { kind: 'memory', reason: happening.error },
        positions: positionsOf.unstored(positions),
      }
    case 'store-gone':
      return { ...situation, isCopyGone: true, positions: positionsOf.unstored(positions) }
    case 'store-rewritten':
      return { ...situation, isCopyGone: false, positions: positionsOf.storedAgain(positions, happening.position) }
    case 'connection':
      return {
        ...situation,
        connection: happening.connection,
        connectionError: happening.connection === 'connected' ? null : situation.connectionError,
        offline: happening.connection === 'connected' ? null : (situation.offline ?? offlineFrom(happening.at)),
      }
    case 'connection-failed':
      return {
        ...situation,
        connectionError: happening.error,
        // without a network nothing was tried
        failing: happening.error.code === 'network-offline' ? situation.failing : failed(situation, happening),
      }
    case 'session-failed':
      return { ...situation, failing: failed(situation, happening) }
    case 'offline-long':
      return { ...situation, offline: situation.offline && { ...situation.offline, isLong: true } }
    case 'parted':
      return { ...situation, connection: 'disconnected', offline: null }
    case 'retried':
      return { ...situation, failing: null }
    case 'session-began':
      return { ...situation, positions: positionsOf.newSession(positions) }
    case 'sent':
      return { ...situation, positions: positionsOf.sent(positions, happening.parts ?? 1) }
    case 'acknowledged':
      return acknowledged(situation, positionsOf.acknowledge(positions), happening.at)
    case 'role-changed':
      // what stood in the way is met again by the next session, or not
      return { ...situation, obstacle: null, connectionError: null, positions: positionsOf.newSession(positions) }
    case 'leader-said':
      return leaderSaid(situation, happening.report, happening.at)
    case 'refused':
      return { ...situation, obstacle: happening.error, positions: positionsOf.refuse(positions) }
    case 'session-ended':
      return {
        ...situation,
        // what heals by itself is asked about again by the next session; the rest stands until a person decides
        obstacle: situation.obstacle?.consequence === 'retry' ? null : situation.obstacle,
        positions: positionsOf.newSession(positions),
      }
    case 'permitted':
      return { ...situation, level: happening.level }
    case 'obstructed':
      return { ...situation, obstacle: happening.error, failing: situation.failing ?? failed(situation, happening) }
    case 'unobstructed':
      return { ...situation, obstacle: null }
    default:
      return assertNever(happening)
  }
}

function failed({ failing }: Situation, { error, at }: { error: TidemarkError; at: number }): Failing {
  return oneMore(failing, error, at)
}

function offlineFrom(since: number): Offline {
  return { since, isLong: false }
}

function held(situation: Situation, made: Vector, acknowledged: Vector): Situation {
  return {
    ...situation,
    positions: positionsOf.durable(positionsOf.made(situation.positions, made), acknowledged),
  }
}

function acknowledged(situation: Situation, positions: Positions, at: number): Situation {
  const emptied = pendingCount(situation.positions) > 0 && pendingCount(positions) === 0
  return {
    ...situation,
    positions,
    // a durable write proves that the server can save again, unless an earlier one of this session was refused
    obstacle: positions.refused ? situation.obstacle : null,
    failing: positions.refused ? situation.failing : null,
    lastSavedAt: emptied ? at : situation.lastSavedAt,
  }
}

function leaderSaid(situation: Situation, report: Report, at: number): Situation {
  const { connection, connectionError, obstacle, failing, level, refused, handshaken } = report
  const durable = positionsOf.durable(situation.positions, report.acknowledged)
  const positions = { ...positionsOf.sentElsewhere(durable, report.sent), refused, handshaken }
  const now = acknowledged(situation, positions, report.lastSavedAt ?? at)
  const lastSavedAt = now.lastSavedAt ?? report.lastSavedAt
  // whichever tab noticed it first, it is told once
  const offline = report.offline && {
    ...report.offline,
    isLong: report.offline.isLong || (situation.offline?.isLong ?? false),
  }
  return { ...now, connection, connectionError, obstacle, failing, offline, level, lastSavedAt }
}

/** What a leader tells the other tabs. */
export function reportOf(situation: Situation): Report {
  const { connection, connectionError, obstacle, failing, offline, level, lastSavedAt, positions } = situation
  const { acknowledged, refused, handshaken } = positions
  const connected = { connection, connectionError, obstacle, failing, offline, level }
  return { ...connected, lastSavedAt, sent: sentTo(positions), acknowledged, refused, handshaken }
}

/** The position of the newest edit of this opening. */
export function ownPosition(situation: Situation): number {
  return situation.positions.made.get(situation.opening) ?? 0
}

function ownEdits(situation: Situation, count: number): Vector {
  return new Map([[situation.opening, ownPosition(situation) + count]])
}

/** `drained` is due exactly when this is true of a step (R4.1). */
export function hasDrained(before: Situation, now: Situation): boolean {
  return pendingCount(before.positions) > 0 && pendingCount(now.positions) === 0
}

/** Must closing the tab ask first? (R2.4) */
export function isUnsafeToClose({ positions, opening, localStore, isCopyGone }: Situation): boolean {
  // what earlier openings have left is then only in this page, too
  if (localStore.kind === 'memory' || isCopyGone) return pendingCount(positions) > 0
  return isUnkept(positions, opening)
}

/** Does an edit survive the tab, as far as this device goes? */
export function keepsEdits(situation: Situation): boolean {
  return situation.localStore.kind !== 'memory' && !situation.storeFailure
}

export function statusOf(situation: Situation): DocumentStatus {
  return {
    status: situation.connection,
    pendingCount: pendingCount(situation.positions),
    lastSavedAt: situation.lastSavedAt,
    localStore: storeStatusOf(situation),
    level: situation.level,
    attention: attentionOf(situation),
    ...stateOf(situation),
  }
}

function attentionOf(situation: Situation): Attention | null {
  const { failing, offline, tries } = situation
  if (offline?.isLong) return { kind: 'offline-long', since: offline.since }
  if (!isFailing(failing, tries)) return null
  return { kind: 'sync-failing', ...failing, error: inTrueWords(failing.error, keepsEdits(situation)) }
}

function stateOf(situation: Situation): DocumentState {
  if (!situation.loaded) return { kind: 'loading' }
  const { positions, obstacle, connectionError } = situation
  if (obstacle) return { kind: 'error', error: inTrueWords(obstacle, keepsEdits(situation)) }
  if (situation.connection === 'connected') {
    return positions.handshaken && pendingCount(positions) === 0 ? { kind: 'saved' } : { kind: 'syncing' }
  }
  const storeError =
    situation.storeFailure ?? (situation.localStore.kind === 'memory' ? situation.localStore.reason : null)
  // neither this device nor the server can keep the edit: that is worse than being offline
  if (storeError && isUnsafeToClose(situation)) return { kind: 'error', error: storeError }
  // the first attempt is not "offline" yet; later ones are, so that the indicator does not flicker with each
  if (situation.connection === 'connecting' && !connectionError) return { kind: 'syncing' }
  return { kind: 'offline', error: connectionError && inTrueWords(connectionError, keepsEdits(situation)) }
}

export function sameStatus(a: DocumentStatus, b: DocumentStatus): boolean {
  return (
    a.kind === b.kind &&
    a.status === b.status &&
    a.pendingCount === b.pendingCount &&
    a.lastSavedAt === b.lastSavedAt &&
    sameStore(a.localStore, b.localStore) &&
    a.level === b.level &&
    sameAttention(a.attention, b.attention) &&
    // each attempt fails with an error object of its own; the person is told something new when it says something new
    errorOf(a)?.code === errorOf(b)?.code &&
    errorOf(a)?.message === errorOf(b)?.message
  )
}

function sameAttention(a: Attention | null, b: Attention | null): boolean {
  if (a?.kind !== b?.kind || a?.since !== b?.since) return false
  return a?.kind !== 'sync-failing' || b?.kind !== 'sync-failing' || a.attempts === b.attempts
}

function storeStatusOf({ localStore, storeFailure }: Situation): LocalStoreStatus {
  return storeFailure && localStore.kind === 'indexeddb' ? { ...localStore, failure: storeFailure } : localStore
}

function sameStore(a: LocalStoreStatus, b: LocalStoreStatus): boolean {
  return a === b || (a.kind === 'indexeddb' && b.kind === 'indexeddb' && a.failure?.code === b.failure?.code)
}

function errorOf(status: DocumentStatus): TidemarkError | null {
  return status.kind === 'error' || status.kind === 'offline' ? status.error : null
}
