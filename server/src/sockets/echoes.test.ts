import { expect, test } from 'vitest'
import { Echoes } from './echoes.ts'

const frame = (...bytes: number[]) => Uint8Array.from(bytes)

test('a frame that came in is known once when it goes out, by its bytes', () => {
  const echoes = new Echoes()
  const incoming = Buffer.from([1, 2, 3])
  echoes.remember(incoming)
  // the socket reuses its buffer
  incoming.fill(0)
  expect(echoes.take(frame(1, 2, 4))).toBe(false)
  expect(echoes.take(frame(1, 2, 3))).toBe(true)
  expect(echoes.take(frame(1, 2, 3))).toBe(false)
})

test('only the last few small frames are remembered', () => {
  const echoes = new Echoes()
  echoes.remember(new Uint8Array(5_000))
  for (let index = 0; index < 10; index++) echoes.remember(frame(index))
  expect(echoes.take(new Uint8Array(5_000))).toBe(false)
  expect(echoes.take(frame(0))).toBe(false)
  expect(echoes.take(frame(9))).toBe(true)
})
