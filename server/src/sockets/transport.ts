import type { Room } from './outgoing-total.ts'

/** One accepted WebSocket as the gate sees it, in Hocuspocus's own framing whatever the client speaks. */
export interface Transport {
  send(frame: Uint8Array): void
  /** Room for an answer of so many bytes that is to be built (R6.42); null when there is none now. */
  room(bytes: number): Room | null
  /** Waits for it. @returns null when the client is gone */
  whenRoom(bytes: number): Promise<Room | null>
  /** `reason` is an error code. */
  close(code: number, reason: string): void
  readonly isOpen: boolean
  /** Whether what came in counts: until it is closed from here. What a client sent before it left does. */
  readonly hears: boolean
  /** Stops and starts reading from the client. */
  setPaused(paused: boolean): void
  /** The largest message, in bytes, that is taken from now on: a larger one ends the socket before it is read. */
  limitMessages(bytes: number): void
}
