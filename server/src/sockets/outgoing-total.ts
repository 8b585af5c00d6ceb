/** A socket whose client reads more slowly than it is sent to. */
export interface SlowSocket {
  letGo(): void
  /** What may wait for it before no further answer is built for it, in bytes. */
  readonly bound: number
  /** Less than before when its client has read something. */
  readonly left: number
}

/** Room for an answer that is being built. */
export interface Room {
  /** So many bytes more. */
  grow(bytes: number): void
  /** It is about to be sent, and counts as what waits from then on; or there is none. */
  leave(): void
}

interface Guest {
  readonly socket: SlowSocket
  readonly bytes: number
  /** @param room null when the socket is gone */
  readonly enter: (room: Room | null) => void
}

interface Count {
  waiting: number
  building: number
}

/** While somebody waits for room, a client that has read less than `least` bytes in so many ms is let go. */
const progress = { ms: 5_000, least: 64 * 1024 }
/** Who needs no more than so many bytes does not wait behind those who need much. */
const small = 512 * 1024
/** While an answer is put together it is there twice. */
const timesWhileBuilt = 2

/**
 * What waits for all clients together, and what is being built for them: beyond the limit those go for whom most waits (R6.4).
 * An answer is counted before it is built, and not begun while there is no room for it (R6.42).
 */
export class OutgoingTotal {
  readonly #limit: number
  readonly #progressMs: number
  readonly #counts = new Map<SlowSocket, Count>()
  #total = 0
  #guests: Guest[] = []
  #isLooking = false
  /** What was left for whom when it was looked at last. */
  #left = new Map<SlowSocket, number>()
  #timer: NodeJS.Timeout | null = null

  constructor(limit: number, progressMs = progress.ms) {
    this.#limit = limit
    this.#progressMs = progressMs
  }

  /** So much waits for the socket now. */
  set(socket: SlowSocket, bytes: number): void {
    this.#change(socket, 'waiting', bytes - (this.#counts.get(socket)?.waiting ?? 0))
    while (this.#total > this.#limit && this.#letGo()) {}
  }

  get bytes(): number {
    return this.#total
  }

  /** Room for an answer of so many bytes; null when there is none now. */
  room(socket: SlowSocket, bytes: number): Room | null {
    const isNext = this.#guests.length === 0 || bytes <= small
    return isNext && this.#fits(socket, bytes) ? this.#reserve(socket, bytes) : null
  }

  /** Waits for it, behind those who came before. @returns null when the socket is gone */
  whenRoom(socket: SlowSocket, bytes: number): Promise<Room | null> {
    return new Promise((enter) => {
      this.#guests.push({ socket, bytes, enter })
      this.#lookLater()
      this.#timer ??= setTimeout(() => this.#letGoWhoDoesNotRead(), this.#progressMs)
    })
  }

  /** The socket is gone. */
  forget(socket: SlowSocket): void {
    this.set(socket, 0)
    this.#left.delete(socket)
    const gone = this.#guests.filter((guest) => guest.socket === socket)
    if (gone.length === 0) return
    this.#guests = this.#guests.filter((guest) => guest.socket !== socket)
    for (const { enter } of gone) enter(null)
    this.#lookLater()
  }

  #change(socket: SlowSocket, what: keyof Count, bytes: number): void {
    if (bytes === 0) return
    this.#total += bytes
    const count = this.#counts.get(socket) ?? { waiting: 0, building: 0 }
    count[what] += bytes
    if (count.waiting + count.building > 0) this.#counts.set(socket, count)
    else this.#counts.delete(socket)
    if (bytes < 0) this.#lookLater()
  }

  #fits(socket: SlowSocket, bytes: number): boolean {
    const { waiting, building } = this.#counts.get(socket) ?? { waiting: 0, building: 0 }
    const own = waiting + building
    return (own === 0 || own + bytes <= socket.bound) && this.#isRoomFor(bytes)
  }

  /** What is larger than the limit has its turn when nothing else waits. */
  #isRoomFor(bytes: number): boolean {
    return this.#total === 0 || this.#total + bytes * timesWhileBuilt <= this.#limit
  }

  #reserve(socket: SlowSocket, bytes: number): Room {
    let counted = 0
    const count = (more: number) => {
      counted += more
      this.#change(socket, 'building', more)
    }
    count(bytes * timesWhileBuilt)
    return { grow: count, leave: () => count(-counted) }
  }

  /** After what leaves now is counted as what waits. */
  #lookLater(): void {
    if (this.#isLooking || this.#guests.length === 0) return
    this.#isLooking = true
    setImmediate(() => {
      this.#isLooking = false
      this.#admit()
    })
  }

  #admit(): void {
    const waiting: Guest[] = []
    for (const guest of this.#guests) {
      // one for whom too much waits already holds up no other
      if (this.#fits(guest.socket, guest.bytes)) guest.enter(this.#reserve(guest.socket, guest.bytes))
      else waiting.push(guest)
    }
    this.#guests = waiting
    if (waiting.length > 0) return
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    this.#left.clear()
  }

  /** Others wait for the room that it takes. */
  #letGoWhoDoesNotRead(): void {
    this.#timer = null
    const before = this.#left
    this.#left = new Map()
    for (const [socket, { waiting }] of this.#counts) if (waiting > 0) this.#left.set(socket, socket.left)
    for (const [socket, left] of [...this.#left]) {
      if ((before.get(socket) ?? Number.POSITIVE_INFINITY) - left < progress.least) socket.letGo()
    }
    if (this.#guests.length > 0) this.#timer ??= setTimeout(() => this.#letGoWhoDoesNotRead(), this.#progressMs)
  }

  /** @returns false when nothing waits for anybody */
  #letGo(): boolean {
    let slowest: SlowSocket | null = null
    let most = 0
    for (const [socket, { waiting }] of this.#counts) {
      if (waiting <= most) continue
      slowest = socket
      most = waiting
    }
    if (!slowest) return false
    this.#change(slowest, 'waiting', -most)
    slowest.letGo()
    return true
  }
}
