/** At what size an edit is divided while nothing smaller is known: less than most servers and proxies take at once. */
const usualPart = 1 << 20
/** A line that does not take so little is refusing something else. */
const leastMost = 1 << 10

/** How large a message may be on its way to the server: what the server says, and what was refused (in bytes). */
export class MessageLimit {
  #said = Number.POSITIVE_INFINITY
  #refused = Number.POSITIVE_INFINITY

  /** A larger message is not sent at all. */
  get most(): number {
    return Math.min(this.#said, this.#refused - 1)
  }

  /**
   * What can be divided is sent in messages of this size. Well below what was refused: by a proxy of whose limit only
   * that is known.
   */
  get part(): number {
    return Math.max(Math.min(usualPart, this.most, Math.floor(this.#refused / 4)), Math.min(leastMost, this.most))
  }

  /** The server says what it takes. */
  said(bytes: number): void {
    this.#said = bytes
  }

  /**
   * Something was too large; this was the largest message of that connection, so it was too large itself.
   * @returns whether the next connection will do better
   */
  refused(bytes: number): boolean {
    if (bytes < leastMost || bytes > this.most) return false
    this.#refused = bytes
    return true
  }
}
