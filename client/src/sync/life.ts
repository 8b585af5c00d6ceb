/** Whether an opening still takes part: not once it is closed, its copy set aside, or its Y.Doc broken. */
export class Life {
  readonly #closing = new AbortController()
  #hasEnded = false

  /** Aborted when the document is closed. */
  get signal(): AbortSignal {
    return this.#closing.signal
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted
  }

  get isOver(): boolean {
    return this.isClosed || this.#hasEnded
  }

  /** The document is still open, but takes part in nothing any more. */
  end(): void {
    this.#hasEnded = true
  }

  close(): void {
    this.#closing.abort()
  }
}
