/** What a token allows on a document, each including the one before. */
export const levels = ['read', 'write', 'admin'] as const
export type Level = (typeof levels)[number]

export function allows(level: Level, needed: Level): boolean {
  return levels.indexOf(level) >= levels.indexOf(needed)
}

/** Who somebody is and what they may do, as a checked token said it. */
export interface Access {
  readonly userId: string
  readonly userName: string | null
  /** The token's own id (`jti`), by which it can be revoked; null when it has none. */
  readonly tokenId: string | null
  readonly level: Level
  /** Unix time in ms from which on the token no longer counts; `null` when it does not expire. */
  readonly expiresAt: number | null
}

export interface Authoriser {
  /**
   * @throws {TidemarkError} `token-missing`, `token-invalid`, `token-expired`, `token-revoked`, `permission-denied`;
   *   `server-busy` while the key set cannot be fetched
   */
  authorise(token: string, documentName: string): Promise<Access>
  /** For the whole server: needs `admin` on the pattern `*`. Throws as {@link authorise} does. */
  authoriseAdmin(token: string): Promise<Access>
}
