import { TidemarkError } from '@tidemark/shared'
import { SignJWT } from 'jose'
import { minSecretBytes } from '../config.ts'
import type { Level } from './access.ts'
import { isPattern } from './patterns.ts'

export interface TokenContent {
  /** The person's id, for good: their edits are recorded under it. */
  readonly sub: string
  readonly name?: string | undefined
  /** Levels by name pattern: a document's name, `folder/*` or `*`. */
  readonly documents: Readonly<Record<string, Level>>
  /** Seconds from now, or a span such as `'15m'`, `'1h'`, `'30d'`; left out, the token never expires. */
  readonly expiresIn?: number | string | undefined
}

/**
 * Signs a token (HS256) that a server with this secret accepts.
 * @throws {TidemarkError} `configuration-invalid` for a short secret, a pattern that is none, or an unreadable time span
 */
export async function signToken(secret: string, { sub, name, documents, expiresIn }: TokenContent): Promise<string> {
  const key = new TextEncoder().encode(secret)
  if (key.length < minSecretBytes) throw invalid(`The secret is too short: ${key.length} of ${minSecretBytes} bytes.`)
  if (sub === '') throw invalid('A token needs a person: write their id.')
  for (const pattern of Object.keys(documents)) {
    if (!isPattern(pattern)) throw invalid(`"${pattern}" is not a document's name, a folder/* or *.`)
  }
  const token = new SignJWT({ ...(name === undefined ? {} : { name }), documents: { ...documents } })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(sub)
    .setIssuedAt()
  if (expiresIn !== undefined) token.setExpirationTime(Math.floor(Date.now() / 1000 + secondsOf(expiresIn)))
  return await token.sign(key)
}

const unitSeconds = { s: 1, m: 60, h: 3600, d: 86_400 } as const

function secondsOf(span: number | string): number {
  if (typeof span === 'number') return span
  const [, amount, unit] = /^(\d{1,9})([smhd])$/.exec(span) ?? []
  if (amount === undefined) throw invalid(`"${span}" is not a time span. Write a number and s, m, h or d, such as 1h.`)
  return Number(amount) * unitSeconds[unit as keyof typeof unitSeconds]
}

function invalid(message: string): TidemarkError {
  return new TidemarkError('configuration-invalid', message)
}
