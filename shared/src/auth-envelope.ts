/** How a server reads what a client says when it authenticates. Strangers write this, so it is checked to the letter. */
import * as z from 'zod/mini'
import { type AuthEnvelope, envelopePrefix, parseJson } from './protocol.ts'

const authEnvelopeSchema = z.object({
  protocol: z.int(),
  token: z.string(),
  epoch: z.optional(z.string().check(z.maxLength(64))),
  revision: z.optional(z.int().check(z.nonnegative())),
  version: z.optional(z.string().check(z.maxLength(64))),
})

/**
 * Reads the token field of an authentication message. A stock client's field is the bare token.
 * @returns the envelope; `null` when the field begins like an envelope and is none
 */
export function decodeAuthField(field: string): AuthEnvelope | null {
  if (!field.startsWith(envelopePrefix)) return { protocol: 0, token: field }
  const json = parseJson(field.slice(envelopePrefix.length))
  const result = authEnvelopeSchema.safeParse(json)
  return result.success ? result.data : null
}
