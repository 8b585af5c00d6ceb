import type { Awareness } from 'y-protocols/awareness'
import { field, parsePerson } from './person.ts'

/**
 * The awareness as the caret plugin may see it: only states that it can draw. The plugin takes every client at its
 * word (a `user` that is a string, a `cursor` without an anchor), and would throw in the middle of the editor's own
 * transaction; one odd client must not stop the others (R6).
 */
export function checkedAwareness(awareness: Awareness): Awareness {
  const states = () => {
    const checked = new Map<number, { readonly [name: string]: unknown }>()
    for (const [clientId, state] of awareness.getStates()) {
      const user = parsePerson(state, clientId)
      if (user) checked.set(clientId, { user: { ...user }, cursor: parseCursor(field(state, 'cursor')) })
    }
    return checked
  }
  // one's own too: the awareness protocol lets any client write any client's state
  const localState = () => {
    const state = awareness.getLocalState()
    return state && { ...state, cursor: parseCursor(state.cursor) }
  }
  return new Proxy(awareness, {
    get(target, property) {
      if (property === 'getStates') return states
      if (property === 'getLocalState') return localState
      if (property === 'states') return states()
      const value: unknown = Reflect.get(target, property, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

function parseCursor(cursor: unknown): unknown {
  const anchor = field(cursor, 'anchor')
  const head = field(cursor, 'head')
  return isPosition(anchor) && isPosition(head) ? { anchor, head } : null
}

/** A Yjs relative position as JSON, of this page's fragment. */
function isPosition(position: unknown): boolean {
  if (typeof position !== 'object' || position === null) return false
  const tname = field(position, 'tname')
  return [field(position, 'item'), field(position, 'type')].every(isId) && (tname == null || tname === 'default')
}

function isId(id: unknown): boolean {
  return id == null || [field(id, 'client'), field(id, 'clock')].every(isCount)
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
