import { type Emitter, TidemarkError } from '@tidemark/shared'
import type { DocumentEvents } from './document-contract.ts'
import { type Log, logEntry } from './log.ts'
import type { Standing } from './standing.ts'

export interface FailuresMeans {
  /** The document's name. */
  readonly name: string
  readonly log: Log
  readonly emitter: Emitter<DocumentEvents>
  readonly standing: Standing
  readonly sessionId: () => string | null
}

/** Brings each failure of a document to the log and to the app (R5.3). */
export class Failures {
  readonly #means: FailuresMeans
  #hasAppFailed = false

  constructor(means: FailuresMeans) {
    this.#means = means
  }

  report(error: TidemarkError, attempt = 1): void {
    this.#log(error, { attempt })
    this.tell(error)
  }

  /** Listeners of the app's threw: what they throw in one task is one failure. */
  appFailed(cause: unknown): void {
    if (this.#hasAppFailed) return
    this.#hasAppFailed = true
    // not in the middle of a transaction, where whoever hears of it might write
    queueMicrotask(() => {
      this.#hasAppFailed = false
      this.report(new TidemarkError('app-listener-failed', undefined, { cause }))
    })
  }

  /** Only logs what the client is about to heal by itself. */
  heal(error: TidemarkError): void {
    this.#log(error, { isHealing: true })
  }

  /** Tells the app what is logged elsewhere. */
  tell(error: TidemarkError): void {
    const { emitter, standing } = this.#means
    emitter.emit('error', { error: standing.inTrueWords(error), code: error.code, persistent: error.persistent })
  }

  #log(error: TidemarkError, how: { readonly attempt?: number; readonly isHealing?: boolean }): void {
    const { log, name, sessionId, standing } = this.#means
    log(logEntry(standing.inTrueWords(error), { document: name, session: sessionId(), ...how }))
  }
}
