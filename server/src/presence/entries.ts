import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'

/** What an awareness message says of one Yjs client. */
export interface Entry {
  client: number
  clock: number
  /** The state as JSON in UTF-8: a view into the message. */
  text: Uint8Array
}

/** More than the people in any document: a message is looked through in one go. */
export const mostEntries = 20_000

/**
 * Reads an awareness message without decoding what it says of anybody: most of what some clients send is what they were
 * sent just before.
 * @throws when it is malformed
 */
export function readEntries(update: Uint8Array): Entry[] {
  const decoder = decoding.createDecoder(update)
  const count = decoding.readVarUint(decoder)
  if (count > mostEntries) throw new Error(`${count} awareness states in one message`)
  const entries: Entry[] = []
  for (let index = 0; index < count; index++) {
    const client = decoding.readVarUint(decoder)
    const clock = decoding.readVarUint(decoder)
    const length = decoding.readVarUint(decoder)
    if (decoder.pos + length > update.byteLength) throw new Error('an awareness message is cut short')
    entries.push({ client, clock, text: update.subarray(decoder.pos, decoder.pos + length) })
    decoder.pos += length
  }
  return entries
}

const nullText = [0x6e, 0x75, 0x6c, 0x6c]

/** Whether it says that somebody is gone. Spaces around `null` come from nobody: such an entry is a state like any other. */
export const isFarewell = ({ text }: Entry): boolean =>
  text.byteLength === nullText.length && nullText.every((byte, index) => text[index] === byte)

const quote = 0x22
const backslash = 0x5c
const opening = new Set([0x5b, 0x7b])
const closing = new Set([0x5d, 0x7d])

/** How deep JSON nests, without building any of it: what is 8,000 deep is read, and cannot be written again. */
export function depthOf(text: Uint8Array): number {
  let depth = 0
  let deepest = 0
  let isInString = false
  for (let index = 0; index < text.byteLength; index++) {
    const byte = text[index] as number
    if (isInString) {
      if (byte === backslash) index++
      else if (byte === quote) isInString = false
    } else if (byte === quote) isInString = true
    else if (opening.has(byte)) deepest = Math.max(deepest, ++depth)
    else if (closing.has(byte)) depth--
  }
  return deepest
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The state as text, when it is one that every client can read.
 * @throws when it is not an object in JSON
 */
export function readState({ text }: Entry): string {
  const json = utf8.decode(text)
  const state: unknown = JSON.parse(json)
  if (typeof state !== 'object' || state === null) throw new Error('an awareness state is not an object')
  return json
}

export function encodeEntries(entries: readonly Entry[]): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, entries.length)
  for (const { client, clock, text } of entries) {
    encoding.writeVarUint(encoder, client)
    encoding.writeVarUint(encoder, clock)
    encoding.writeVarUint8Array(encoder, text)
  }
  return encoding.toUint8Array(encoder)
}
