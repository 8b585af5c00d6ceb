import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  acknowledge,
  isUnkept as isUnkeptIn,
  made,
  newSession,
  noPositions,
  type Positions,
  pendingCount,
  refuse,
  sent,
  stored,
} from './positions.ts'

const edit = (positions: Positions) => made(positions, new Map([['mine', (positions.made.get('mine') ?? 0) + 1]]))
const isUnkept = (positions: Positions) => isUnkeptIn(positions, 'mine')

describe('[R4.2] pending is counted in positions', () => {
  test('an ack covers every edit made before its write left, and none made after', () => {
    let positions = sent(newSession(edit(edit(noPositions))))
    positions = edit(positions)
    positions = acknowledge(positions)
    expect(pendingCount(positions)).toBe(1)
  })

  test('an ack without a write proves nothing', () => {
    expect(acknowledge(edit(noPositions))).toEqual(edit(noPositions))
  })

  test('[R4.3] what was sent on the last session is not acknowledged by the first ack of the next', () => {
    let positions = sent(newSession(edit(noPositions)))
    positions = newSession(positions)
    expect(pendingCount(acknowledge(positions))).toBe(1)
    positions = acknowledge(sent(positions))
    expect(pendingCount(positions)).toBe(0)
  })

  test('after a refusal later acks of the session save nothing, because they stand on what was refused', () => {
    let positions = sent(edit(sent(edit(newSession(noPositions)))))
    positions = acknowledge(refuse(positions))
    expect(pendingCount(positions)).toBe(2)
    positions = acknowledge(sent(newSession(positions)))
    expect(pendingCount(positions)).toBe(0)
  })
})

describe('[R4.3] a write that was divided counts when its last part is answered', () => {
  const handshake = sent(newSession(edit(edit(noPositions))), 3)

  test('not before', () => {
    const two = acknowledge(acknowledge(handshake))
    expect(pendingCount(two)).toBe(2)
    expect(two.handshaken).toBe(false)
    const three = acknowledge(two)
    expect(pendingCount(three)).toBe(0)
    expect(three.handshaken).toBe(true)
  })

  test.each([0, 1, 2])('and not at all when a part is refused (after %i good ones)', (good) => {
    let positions = handshake
    for (let answer = 0; answer < 3; answer++) positions = answer === good ? refuse(positions) : acknowledge(positions)
    expect(pendingCount(positions)).toBe(2)
    positions = acknowledge(sent(newSession(positions)))
    expect(pendingCount(positions)).toBe(0)
  })

  test('a write between its parts’ answers covers what it covers', () => {
    let positions = sent(edit(handshake))
    positions = acknowledge(acknowledge(acknowledge(positions)))
    expect(pendingCount(positions)).toBe(1)
    expect(pendingCount(acknowledge(positions))).toBe(0)
  })
})

describe('[D1.5] the edits of other tabs count like this tab’s own', () => {
  test('an ack covers what each opening had made when its write left', () => {
    let positions = made(edit(noPositions), new Map([['theirs', 3]]))
    positions = sent(newSession(positions))
    positions = made(positions, new Map([['theirs', 5]]))
    expect(pendingCount(positions)).toBe(6)
    positions = acknowledge(positions)
    expect(pendingCount(positions)).toBe(2)
    expect(positions.acknowledged).toEqual(
      new Map([
        ['mine', 1],
        ['theirs', 3],
      ]),
    )
  })

  test('hearing of them twice, or late, changes nothing', () => {
    const positions = made(noPositions, new Map([['theirs', 3]]))
    expect(made(made(positions, new Map([['theirs', 2]])), new Map([['theirs', 3]]))).toEqual(positions)
  })

  test('[R2.4] what another tab has not stored does not keep this one open', () => {
    expect(isUnkept(made(noPositions, new Map([['theirs', 1]])))).toBe(false)
  })
})

describe('[R2.4] [P8] an edit is unkept while neither this device nor the server holds it', () => {
  test('stored out of order, it counts from the first gap', () => {
    let positions = edit(edit(edit(noPositions)))
    positions = stored(stored(positions, 3), 2)
    expect(isUnkept(positions)).toBe(true)
    positions = stored(positions, 1)
    expect(isUnkept(positions)).toBe(false)
    expect(positions.storedAhead).toEqual([])
  })

  test('acknowledged without having been stored is kept', () => {
    expect(isUnkept(acknowledge(sent(edit(noPositions))))).toBe(false)
  })

  test('storing in any order, with repetitions, ends with everything stored', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.infiniteStream(fc.nat()), (count, picks) => {
        let positions = noPositions
        for (let index = 0; index < count; index++) positions = edit(positions)
        const left = new Set(Array.from({ length: count }, (_, index) => index + 1))
        for (const pick of picks) {
          if (left.size === 0) break
          const position = [...left][pick % left.size]!
          left.delete(position)
          positions = stored(stored(positions, position), position)
          expect(isUnkept(positions)).toBe(left.size > 0)
        }
      }),
    )
  })
})
