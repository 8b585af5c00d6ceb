import type { DeviceMemory } from './device-memory.ts'
import { field } from './person.ts'

/** Whether the server takes anybody on this computer, or asks for a token. */
export type AuthMode = 'open' | 'token'

const key = 'tidemark:auth-mode'

/** What this server wanted when it was asked last: the page opens without asking, also when the server is away. */
export function rememberedAuthMode(memory: DeviceMemory): AuthMode | null {
  const mode = memory.read(key)
  return mode === 'open' || mode === 'token' ? mode : null
}

/** Asks the server. @returns `null` when it does not answer, or not in words that this page knows */
export async function askAuthMode(memory: DeviceMemory): Promise<AuthMode | null> {
  try {
    const response = await fetch('/api/status', { cache: 'no-store', signal: AbortSignal.timeout(4000) })
    if (!response.ok) return null
    const mode = parseAuthMode(await response.json())
    if (mode) memory.write(key, mode)
    return mode
  } catch {
    return null
  }
}

/** `{ auth: { mode: 'open' | 'secret' | 'jwks' } }`, or the mode itself in `auth`. */
function parseAuthMode(status: unknown): AuthMode | null {
  const auth = field(status, 'auth')
  const mode = typeof auth === 'string' ? auth : field(auth, 'mode')
  if (typeof mode !== 'string') return null
  return mode === 'open' ? 'open' : 'token'
}
