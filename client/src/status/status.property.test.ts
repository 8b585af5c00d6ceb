import { TidemarkError } from '@tidemark/shared'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { after, beginning, hasDrained, type Situation, statusOf } from './status.ts'

/**
 * The same world told twice: once by the product's positions, once by plain sets of edits, the way a person would
 * keep the books: what did each message carry, and which messages did the server say it holds?
 */
class Books {
  situation: Situation = after(beginning('mine'), {
    type: 'loaded',
    localStore: { kind: 'indexeddb' },
    made: new Map(),
    acknowledged: new Map(),
  })
  made = 0
  readonly pending = new Set<number>()
  /** What the server truly holds. */
  readonly durable = new Set<number>()
  session: { unsent: Set<number>; inFlight: Set<number>[]; handshakeSent: boolean; refused: boolean } | null = null
  drained = 0
  emptied = 0

  step(happening: Parameters<typeof after>[1]): void {
    const before = this.situation
    this.situation = after(before, happening)
    if (!hasDrained(before, this.situation)) return
    this.drained++
    // never early: whatever was made by now is on the server
    for (let position = 1; position <= this.made; position++) expect(this.durable.has(position)).toBe(true)
  }

  edit(): void {
    this.made++
    this.pending.add(this.made)
    this.session?.unsent.add(this.made)
    this.step({ type: 'edited' })
  }

  send(): void {
    const { session } = this
    if (!session || session.refused) return
    const carried = session.handshakeSent ? new Set(session.unsent) : new Set(this.pending)
    if (session.handshakeSent && carried.size === 0) return
    session.handshakeSent = true
    session.unsent.clear()
    session.inFlight.push(carried)
    this.step({ type: 'sent' })
  }

  answer(isGood: boolean): void {
    const { session } = this
    const carried = session?.inFlight.shift()
    if (!session || !carried) return
    if (isGood) for (const position of carried) this.durable.add(position)
    if (!isGood) session.refused = true
    if (isGood && !session.refused) {
      const wasPending = this.pending.size > 0
      for (const position of carried) this.pending.delete(position)
      if (wasPending && this.pending.size === 0) this.emptied++
    }
    this.step(isGood ? { type: 'acknowledged', at: 1 } : { type: 'refused', error: new TidemarkError('read-only') })
  }

  connect(): void {
    this.session = { unsent: new Set(), inFlight: [], handshakeSent: false, refused: false }
    this.step({ type: 'connection', connection: 'connected', at: 0 })
    this.step({ type: 'session-began' })
  }

  disconnect(): void {
    this.session = null
    this.step({ type: 'session-ended' })
    this.step({ type: 'connection', connection: 'disconnected', at: 0 })
  }
}

const act = fc.oneof(
  { weight: 4, arbitrary: fc.constant((books: Books) => books.edit()) },
  { weight: 4, arbitrary: fc.constant((books: Books) => books.send()) },
  { weight: 4, arbitrary: fc.constant((books: Books) => books.answer(true)) },
  { weight: 1, arbitrary: fc.constant((books: Books) => books.answer(false)) },
  { weight: 1, arbitrary: fc.constant((books: Books) => books.connect()) },
  { weight: 1, arbitrary: fc.constant((books: Books) => books.disconnect()) },
)

test('[R4.1] [H3] in any order of edits, sends, acks, refusals and reconnects, drained comes once for each emptying, never early', () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
      const books = new Books()
      for (const perform of acts) {
        perform(books)
        expect(statusOf(books.situation).pendingCount).toBe(books.pending.size)
        expect(books.drained).toBe(books.emptied)
      }
      // and never missing: once the line is good, everything drains
      books.connect()
      books.send()
      books.answer(true)
      expect(books.drained).toBe(books.emptied)
      expect(statusOf(books.situation)).toMatchObject({ kind: 'saved', pendingCount: 0 })
    }),
    { numRuns: 2_000 },
  )
})
