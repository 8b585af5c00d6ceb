import { type Clock, TidemarkError } from '@tidemark/shared'
import { decodeJwt } from 'jose'
import type { AuthConfig } from '../config.ts'
import type { Access, Authoriser } from './access.ts'
import { type Claims, parseClaims } from './claims.ts'
import { everything, levelFor } from './patterns.ts'
import { createVerifyToken, maxTokenCharacters } from './verify-token.ts'

/** Turns tokens into {@link Access}, each time anew: nothing about a token is kept (R10). */
export function createAuthoriser(auth: AuthConfig, clock: Clock): Authoriser {
  return auth.mode === 'open' ? openAuthoriser(clock) : verifyingAuthoriser(auth, clock)
}

function verifyingAuthoriser(auth: Exclude<AuthConfig, { mode: 'open' }>, clock: Clock): Authoriser {
  const verify = createVerifyToken(auth, clock)

  async function claimsOf(token: string): Promise<Claims> {
    if (token === '') throw new TidemarkError('token-missing')
    if (token.length > maxTokenCharacters) throw new TidemarkError('token-invalid', 'The token is too long.')
    const claims = parseClaims(await verify(token))
    refuseExpired(claims.expiresAt, clock)
    return claims
  }

  return {
    async authorise(token, documentName) {
      const { grants, ...person } = await claimsOf(token)
      const level = levelFor(grants, documentName)
      if (level === null) throw new TidemarkError('permission-denied')
      return { ...person, level }
    },
    async authoriseAdmin(token) {
      const { grants, ...person } = await claimsOf(token)
      if (grants.get(everything) === 'admin') return { ...person, level: 'admin' }
      throw new TidemarkError('permission-denied', 'This needs a token with the level admin on every document (*).')
    },
  }
}

/**
 * Takes any token, on loopback only (S1). A token that is a JWT still names its bearer, and still expires, so that an app
 * can be tried with both.
 */
function openAuthoriser(clock: Clock): Authoriser {
  async function authorise(token: string): Promise<Access> {
    const { userId, userName, tokenId, expiresAt } = unverifiedClaims(token)
    refuseExpired(expiresAt, clock)
    return { userId, userName, tokenId, level: 'admin', expiresAt }
  }
  return { authorise, authoriseAdmin: authorise }
}

function unverifiedClaims(token: string): Omit<Claims, 'grants'> {
  const anonymous = { userId: 'anonymous', userName: null, tokenId: null, expiresAt: null }
  if (token === '' || token.length > maxTokenCharacters) return anonymous
  try {
    return parseClaims(decodeJwt(token))
  } catch {
    return anonymous
  }
}

function refuseExpired(expiresAt: number | null, clock: Clock): void {
  if (expiresAt !== null && expiresAt <= clock.now()) throw new TidemarkError('token-expired')
}
