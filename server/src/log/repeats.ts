import type { Clock, ErrorCode } from '@tidemark/shared'
import type { Failure } from '../log.ts'

/** So many lines of one kind are written in a window: of one socket, and of all together. */
const mostOfSocket = 5
const mostOfCode = 200
/** In ms. */
const window = 10_000

/**
 * Keeps who sends one bad message after another from filling the log: of lines that repeat themselves a few are written,
 * and then, once, how many were left out (R5.3).
 */
export class Repeats {
  readonly #clock: Pick<Clock, 'after'>
  readonly #write: (failure: Failure) => void
  readonly #ofSocket = new Map<string, number>()
  readonly #ofCode = new Map<string, number>()
  readonly #leftOut = new Map<ErrorCode, number>()
  #cancel: (() => void) | null = null

  constructor(clock: Pick<Clock, 'after'>, write: (failure: Failure) => void) {
    this.#clock = clock
    this.#write = write
  }

  log(failure: Failure): void {
    const { code, session } = failure
    this.#cancel ??= this.#clock.after(window, () => this.#close())
    const isTooMuch =
      (session !== undefined && count(this.#ofSocket, `${code} ${session}`) > mostOfSocket) ||
      count(this.#ofCode, code) > mostOfCode
    if (isTooMuch) {
      this.#leftOut.set(code, (this.#leftOut.get(code) ?? 0) + 1)
      return
    }
    this.#write(failure)
  }

  /** The window is over. */
  #close(): void {
    this.#cancel = null
    this.#ofSocket.clear()
    this.#ofCode.clear()
    const leftOut = [...this.#leftOut]
    this.#leftOut.clear()
    for (const [code, count] of leftOut) this.#write({ code, leftOut: count })
  }

  /** Writes what is left to be said. */
  end(): void {
    this.#cancel?.()
    this.#close()
  }
}

/** Beyond so many the rest is not known apart: the limit of all holds them. */
const mostKeys = 10_000

function count(counts: Map<string, number>, key: string): number {
  const next = (counts.get(key) ?? 0) + 1
  if (next > 1 || counts.size < mostKeys) counts.set(key, next)
  return next
}
