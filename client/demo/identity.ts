import type { DeviceMemory } from './device-memory.ts'
import { isColor, longestName, personColors } from './person.ts'

/** Who writes here, as the others see it. `id` is the same in every tab of this browser, and says nothing else. */
export type Identity = { readonly id: string; readonly name: string; readonly color: string }

const key = 'tidemark:identity'

const manners = ['Quiet', 'Brisk', 'Amber', 'Gentle', 'Bright', 'Patient', 'Salty', 'Merry', 'Silver', 'Early']
const animals = ['Otter', 'Heron', 'Gull', 'Plover', 'Seal', 'Tern', 'Curlew', 'Crab', 'Puffin', 'Dunlin']

/** The identity kept on this device, or a friendly new one. */
export function loadIdentity(memory: DeviceMemory): Identity {
  const kept = parseIdentity(memory.read(key))
  if (kept) return kept
  const identity = { id: randomId(), name: `${pick(manners)} ${pick(animals)}`, color: pick(personColors).value }
  memory.write(key, JSON.stringify(identity))
  return identity
}

/** Keeps the change on this device; an empty name leaves the one there was. */
export function changeIdentity(memory: DeviceMemory, identity: Identity, change: Partial<Identity>): Identity {
  const name = change.name?.trim().slice(0, longestName)
  const changed = { ...identity, ...change, name: name || identity.name }
  memory.write(key, JSON.stringify(changed))
  return changed
}

function parseIdentity(text: string | null): Identity | null {
  if (text === null) return null
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return null
    const { id, name, color } = value as { readonly [field: string]: unknown }
    if (typeof id !== 'string' || typeof name !== 'string' || name.trim() === '' || !isColor(color)) return null
    return { id: id.slice(0, 64), name: name.slice(0, longestName), color }
  } catch {
    return null
  }
}

// `crypto.randomUUID` is missing where the page is not served from a secure origin.
function randomId(): string {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

function pick<Item>(items: readonly Item[]): Item {
  return items[Math.floor(Math.random() * items.length)]!
}
