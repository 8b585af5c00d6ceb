import type { ErrorCode, TidemarkError } from '@tidemark/shared'

/** Thrown where Hocuspocus answers with `reason`; without a message, because it prints messages to the console. */
export class Refusal extends Error {
  readonly reason: ErrorCode
  override readonly cause: unknown

  constructor(error: TidemarkError) {
    super('')
    this.name = 'Refusal'
    this.reason = error.code
    this.cause = error
  }
}
