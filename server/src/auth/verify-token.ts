import { type Clock, TidemarkError } from '@tidemark/shared'
import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import type { AuthConfig } from '../config.ts'

/** Far above any honest token; below what costs time to decode. */
export const maxTokenCharacters = 16 * 1024

/**
 * How far the issuer's clock may be ahead of ours (`nbf`). It does not prolong a token: one that counts for a new
 * connection but not for an open one would make a client reconnect in a circle.
 */
const clockToleranceSeconds = 5

/** Checks a token's signature and times. @returns its payload, unread */
export type VerifyToken = (token: string) => Promise<JWTPayload>

export function createVerifyToken(auth: Exclude<AuthConfig, { mode: 'open' }>, clock: Clock): VerifyToken {
  const common = { clockTolerance: clockToleranceSeconds }
  if (auth.mode === 'secret') {
    const secret = new TextEncoder().encode(auth.secret)
    // The algorithm is pinned: a token that chooses its own ("none", or a public key as a secret) is refused.
    return verifyWith(clock, (token, currentDate) =>
      jwtVerify(token, secret, { ...common, currentDate, algorithms: ['HS256'] }),
    )
  }
  const keys = remoteKeys(auth.url)
  const expected = {
    ...(auth.issuer === null ? {} : { issuer: auth.issuer }),
    ...(auth.audience === null ? {} : { audience: auth.audience }),
  }
  // Only algorithms with a key pair: nobody can sign with what a key set publishes.
  const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519']
  return verifyWith(clock, (token, currentDate) =>
    jwtVerify(token, keys, { ...common, ...expected, currentDate, algorithms }),
  )
}

function verifyWith(
  clock: Clock,
  verify: (token: string, currentDate: Date) => Promise<{ payload: JWTPayload }>,
): VerifyToken {
  return async (token) => {
    try {
      const { payload } = await verify(token, new Date(clock.now()))
      return payload
    } catch (error) {
      throw failureOf(error)
    }
  }
}

function failureOf(cause: unknown): TidemarkError {
  if (cause instanceof TidemarkError) return cause
  return new TidemarkError(cause instanceof errors.JWTExpired ? 'token-expired' : 'token-invalid', undefined, { cause })
}

function remoteKeys(url: URL): JWTVerifyGetKey {
  const keySet = createRemoteJWKSet(url, { timeoutDuration: 5000, cooldownDuration: 10_000 })
  return async (header, token) => {
    try {
      return await keySet(header, token)
    } catch (cause) {
      if (isAboutToken(cause)) throw cause
      // A key set that is away, or that answers nonsense, is no fault of the token: the client should come back.
      throw new TidemarkError('server-busy', 'The key set that tokens are checked with cannot be fetched.', { cause })
    }
  }
}

function isAboutToken(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  )
}
