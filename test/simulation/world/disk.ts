import type { DatabaseContent, Device, StepOutcome } from '@tidemark/client/testing'
import { unsealed } from './browser.ts'
import { Coverage } from './coverage.ts'

interface Mark {
  readonly from: number
  readonly to: number
  readonly account?: string
}

/** One update as it was written, and the opening and position that its dirty mark stood for then. */
interface Written {
  readonly update: Uint8Array
  readonly opening: string | null
  readonly position: number | null
}

/** What a device's IndexedDB holds of one document, in one of its copies. */
export interface Copy {
  readonly id: string
  readonly rows: readonly Uint8Array[]
  /** By opening. */
  readonly marks: ReadonlyMap<string, Mark>
  readonly pendingCount: number
  readonly written: readonly Written[]
  readonly isSetAside: boolean
}

const dirtyPrefix = 'tidemark:dirty:'
const namespace = 'tidemark'

/** All copies of a document that a device has, set aside or not. */
export function copiesOn(device: Device, document: string): Copy[] {
  const first = `${namespace}:${document}`
  return [...device.indexeddb.databases.values()].flatMap((content) =>
    content.name === first || content.name.startsWith(`${first}//`) ? [read(content)] : [],
  )
}

/** Two accounts have made edits in it that are pending: neither may send the other one's. */
export function isOfTwo({ marks }: Copy): boolean {
  return new Set([...marks.values()].map(({ account }) => account)).size > 1
}

export function holdingOf({ rows }: Copy): Coverage {
  const held = new Coverage()
  for (const row of rows) held.add(row)
  return held
}

function read({ name, stores, committed }: DatabaseContent): Copy {
  const updates = stores.get('updates')?.durable
  const custom = stores.get('custom')?.durable
  const marks = new Map<string, Mark>()
  for (const [key, value] of custom ?? []) {
    if (String(key).startsWith(dirtyPrefix)) marks.set(openingIn(key), value as Mark)
  }
  return {
    id: name,
    rows: [...(updates?.values() ?? [])].flatMap(updateIn),
    marks,
    pendingCount: [...marks.values()].reduce((sum, { from, to }) => sum + to - from + 1, 0),
    written: committed.flatMap(writtenIn),
    isSetAside: custom?.get('tidemark:set-aside') !== undefined,
  }
}

const known = new WeakMap<object, Written[]>()

function writtenIn(puts: DatabaseContent['committed'][number]): Written[] {
  let written = known.get(puts)
  if (written) return written
  const dirty = puts.find(({ key, value }) => String(key).startsWith(dirtyPrefix) && value !== undefined)
  const opening = dirty ? openingIn(dirty.key) : null
  const position = dirty ? (dirty.value as Mark).to : null
  written = puts.flatMap(({ store, value }) =>
    store === 'updates' ? updateIn(value).map((update) => ({ update, opening, position })) : [],
  )
  known.set(puts, written)
  return written
}

function openingIn(key: string | number): string {
  return String(key).slice(dirtyPrefix.length)
}

const opened = new WeakMap<object, Uint8Array>()

/** The same bytes for the same row, so that what was once read of them is known. */
function updateIn(value: unknown): Uint8Array[] {
  if (value instanceof Uint8Array) return [value]
  if (typeof value !== 'object' || value === null || !('data' in value) || !(value.data instanceof Uint8Array))
    return []
  let update = opened.get(value)
  if (!update) opened.set(value, (update = unsealed(value.data).slice()))
  return [update]
}

/** One step of the disk goes wrong, the others do not. */
export function tripDisk(device: Device, after: number, outcome: StepOutcome): void {
  const usual = device.indexeddb.outcomeOf
  let left = after
  device.indexeddb.outcomeOf = (kind, database) => {
    // only who begins a transaction finds out that its connection is gone; only what is written needs space
    const isPossible =
      (outcome === 'gone') === (kind === 'begin') && (outcome !== 'full' || kind === 'commit' || kind === 'write')
    if (!isPossible || left-- > 0) return usual(kind, database)
    device.indexeddb.outcomeOf = usual
    return outcome
  }
}
