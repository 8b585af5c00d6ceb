import { assertNever, authType, encodeAuthEnvelope, messageType } from '@tidemark/shared'
import * as encoding from 'lib0/encoding'
import { frame } from '../helpers/raw-client.ts'
import type { Identity, Step } from './plan.ts'

/** What a round sent, what was said to it, and which promises were not kept. */
export interface Findings {
  readonly complaints: readonly string[]
  readonly sent: number
  /** How often the server refused something hostile, by code. */
  readonly refusals: ReadonlyMap<string, number>
  readonly acknowledged: number
  /** Of honest edits, in ms. */
  readonly longestAck: number
  /** What the process did not answer for, in ms. */
  readonly longestStandstill: number
  /** What the server's memory grew by, in MiB; null where it is not the process's own. */
  readonly grownBy: number | null
  readonly seconds: number
}

/** A sign-in as its frame; `tokens` says what each identity shows. */
export function signIn(step: Extract<Step, { does: 'sign in' }>, tokens: (identity: Identity) => string): Uint8Array {
  const token = tokens(step.as)
  return frame(step.address, (encoder) => {
    encoding.writeVarUint(encoder, messageType.auth)
    encoding.writeVarUint(encoder, authType.token)
    encoding.writeVarString(
      encoder,
      step.epoch === null ? token : encodeAuthEnvelope({ protocol: 1, token, epoch: step.epoch }),
    )
    encoding.writeVarString(encoder, 'fuzz')
  })
}

export function count(counts: Map<string, number>, what: string, by = 1): void {
  counts.set(what, (counts.get(what) ?? 0) + by)
}

/** A step in words, for whoever looks at a round that was cut down. */
export function describe(step: Step): string {
  switch (step.does) {
    case 'send':
      return `socket ${step.socket} sends ${Buffer.from(step.frame).toString('hex').slice(0, 4_000)}`
    case 'sign in':
      return `socket ${step.socket} signs in to ${JSON.stringify(step.address)} as ${step.as}, epoch ${step.epoch}`
    case 'hang up':
      return `socket ${step.socket} hangs up`
    default:
      return assertNever(step)
  }
}
