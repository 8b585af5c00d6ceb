import type { Random } from '../../helpers/random.ts'

/** Some of the bytes are not what they were. `others` is what parts are taken from. */
export function mutate(bytes: Uint8Array, others: readonly Uint8Array[], random: Random): Uint8Array {
  let mutated = bytes
  for (let times = random.next() < 0.7 ? 1 : random.int(2, 6); times > 0; times--)
    mutated = once(mutated, others, random)
  return mutated
}

function once(bytes: Uint8Array, others: readonly Uint8Array[], random: Random): Uint8Array {
  if (bytes.byteLength === 0) return random.bytes(random.int(0, 8))
  const at = random.int(0, bytes.byteLength - 1)
  const end = Math.min(bytes.byteLength, at + random.int(1, 16))
  switch (random.int(0, 7)) {
    case 0: {
      const flipped = bytes.slice()
      flipped[at] = (flipped[at] ?? 0) ^ (1 << random.int(0, 7))
      return flipped
    }
    case 1: {
      const replaced = bytes.slice()
      replaced[at] = random.pick([0, 1, 10, 127, 128, 255])
      return replaced
    }
    case 2:
      return bytes.slice(0, at)
    case 3:
      return bytes.slice(at)
    case 4:
      return joined(bytes.subarray(0, end), bytes.subarray(at))
    case 5:
      return joined(bytes.subarray(0, at), bytes.subarray(end))
    case 6: {
      const other = random.pick(others)
      const from = random.int(0, Math.max(0, other.byteLength - 1))
      return joined(bytes.subarray(0, at), other.subarray(from))
    }
    default: {
      // a number in the middle that is as large as one can be
      const number = [...Array.from({ length: random.int(1, 8) }, () => 0xff), 0x0f]
      return joined(bytes.subarray(0, at), Uint8Array.from(number), bytes.subarray(Math.min(at + 1, bytes.byteLength)))
    }
  }
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}
