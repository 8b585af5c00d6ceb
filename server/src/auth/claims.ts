import { TidemarkError } from '@tidemark/shared'
import * as z from 'zod'
import { type Level, levels } from './access.ts'
import { type Grants, isPattern } from './patterns.ts'

// A pattern that is none makes the whole token invalid: a mistyped narrow grant must not leave the wide one standing.
const pattern = z.string().refine(isPattern, 'it is not a document name, a folder/* or *')
const level = z.enum(levels)

const grantList = z.array(
  z.union([
    z.object({ pattern, level }),
    z.object({ name: pattern, level }).transform(({ name, level }) => ({ pattern: name, level })),
  ]),
)

/** Postgres keeps no text with U+0000 in it, and lone surrogates become one and the same character on the way there. */
const isStorable = (text: string): boolean => !text.includes('\0') && text.isWellFormed()

/** Who somebody is, or which token it is: kept beside edits, and looked up. */
export const identifier = z
  .string()
  .min(1)
  .max(256)
  .refine(isStorable, 'it holds a character that cannot be stored (U+0000, or half of one)')

const claimsSchema = z.object({
  sub: identifier,
  jti: identifier.nullish(),
  name: z.string().max(256).nullish(),
  documents: z.union([z.record(pattern, level), grantList]).nullish(),
  exp: z.number().nullish(),
})

/** What Tidemark reads in a token. */
export interface Claims {
  readonly userId: string
  readonly userName: string | null
  readonly tokenId: string | null
  readonly grants: Grants
  readonly expiresAt: number | null
}

/** @throws {TidemarkError} `token-invalid` */
export function parseClaims(payload: unknown): Claims {
  const result = claimsSchema.safeParse(payload)
  if (!result.success) {
    const issue = result.error.issues[0]
    throw new TidemarkError(
      'token-invalid',
      `The token's claim ${issue?.path.map(String).join('.') || '(payload)'} cannot be used: ${issue?.message ?? ''}`,
    )
  }
  const { sub, jti, name, documents, exp } = result.data
  return {
    userId: sub,
    userName: name || null,
    tokenId: jti ?? null,
    grants: grantsOf(documents ?? {}),
    expiresAt: exp == null ? null : Math.floor(exp * 1000),
  }
}

function grantsOf(documents: Record<string, Level> | { pattern: string; level: Level }[]): Grants {
  const entries = Array.isArray(documents)
    ? documents.map(({ pattern, level }) => [pattern, level] as const)
    : Object.entries(documents)
  const grants = new Map<string, Level>()
  for (const [pattern, level] of entries) {
    if ((grants.get(pattern) ?? level) !== level) {
      throw new TidemarkError('token-invalid', 'The token gives one document pattern two levels.')
    }
    grants.set(pattern, level)
  }
  return grants
}
