import * as frames from './frames.ts'
import type { Session } from './session.ts'

/** Reads how the frames of one socket begin. */
export class HeaderReader {
  /** Most frames are of the session that the last one was of: its address need not be decoded again. */
  #latest: Session | null = null

  /** @throws when the frame is too short or its address is no UTF-8 */
  read(frame: Uint8Array): frames.Header {
    const latest = this.#latest
    return latest && startsWith(frame, latest.prefix)
      ? frames.readHeaderBehind(frame, latest.address, latest.prefix.byteLength)
      : frames.readHeader(frame)
  }

  /** A frame of this session was read. */
  expect(session: Session): void {
    this.#latest = session
  }
}

function startsWith(frame: Uint8Array, prefix: Uint8Array): boolean {
  if (frame.byteLength <= prefix.byteLength) return false
  for (let index = prefix.byteLength - 1; index >= 0; index--) if (frame[index] !== prefix[index]) return false
  return true
}
