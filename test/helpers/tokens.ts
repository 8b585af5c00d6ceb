import { SignJWT } from 'jose'

/** The secret of the servers under test; long enough for HS256. */
export const secret = 'a secret for tests, long enough for HS256: 0123456789'

export type Level = 'read' | 'write' | 'admin'

export interface TokenClaims {
  /** The person's id. */
  subject?: string
  /** The token's own id (`jti`). */
  id?: string
  name?: string
  documents?: Record<string, Level>
  /** Seconds from now; negative for a token that has run out already. */
  expiresIn?: number
  signedWith?: string
}

/** A token as an application's backend would sign it. */
export async function token({
  subject = 'person-1',
  id,
  name = 'Ada',
  documents = { '*': 'write' },
  expiresIn = 3600,
  signedWith = secret,
}: TokenClaims = {}): Promise<string> {
  return new SignJWT({ name, documents, ...(id === undefined ? {} : { jti: id }) })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(subject)
    .setIssuedAt()
    .setExpirationTime(Math.floor(Date.now() / 1000) + expiresIn)
    .sign(new TextEncoder().encode(signedWith))
}
