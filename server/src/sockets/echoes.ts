/** Beyond this size an echo is let through: remembering the frame would cost more than it saves. */
const largestFrame = 1_024
const remembered = 4

/**
 * Hocuspocus sends an update to everybody who has the document open, its own writer included. The frame that goes back is
 * the very frame that came, so it can be known by its bytes and left out: one system call less for each edit.
 * What was merged with somebody else's edit differs, and is sent.
 */
export class Echoes {
  readonly #frames: Uint8Array[] = []

  remember(frame: Uint8Array): void {
    if (frame.byteLength > largestFrame) return
    // a copy: the frame is a view into the socket's read buffer, which it would keep alive
    if (this.#frames.push(new Uint8Array(frame)) > remembered) this.#frames.shift()
  }

  /** Whether `frame` is one of those that came in last; each counts once. */
  take(frame: Uint8Array): boolean {
    for (let index = 0; index < this.#frames.length; index++) {
      if (isEqual(this.#frames[index] as Uint8Array, frame)) {
        this.#frames.splice(index, 1)
        return true
      }
    }
    return false
  }
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  if (one.byteLength !== other.byteLength) return false
  // updates of one document differ at their end sooner than at their begin, which is the document's name
  for (let index = one.byteLength - 1; index >= 0; index--) if (one[index] !== other[index]) return false
  return true
}
