/** What the others say about themselves in awareness. It comes from any client, so each field is checked. */
export type Person = {
  /** The same for all tabs of one browser; a client that says none is a person of its own. */
  readonly id: string
  readonly name: string
  readonly color: string
}

export const longestName = 40

/** Each is dark enough for white letters (AA) and far enough from its neighbours. */
export const personColors = [
  { name: 'Lagoon', value: '#0b6e78' },
  { name: 'Deep blue', value: '#1d5fa8' },
  { name: 'Violet', value: '#6a3fb0' },
  { name: 'Sea pink', value: '#a8327a' },
  { name: 'Brick', value: '#b23a2e' },
  { name: 'Ochre', value: '#865800' },
  { name: 'Kelp', value: '#2f6b2f' },
  { name: 'Slate', value: '#4a5568' },
] as const

const nameless = 'Someone'
const colorless = '#4a5568'

export function isColor(value: unknown): value is string {
  return typeof value === 'string' && /^#[0-9a-f]{6}$/i.test(value)
}

/** @returns `null` for a state without a person: a bot, a stock client that has not introduced itself */
export function parsePerson(state: unknown, clientId: number): Person | null {
  const user = field(state, 'user')
  if (typeof user !== 'object' || user === null) return null
  const name = field(user, 'name')
  const id = field(user, 'id')
  const color = field(user, 'color')
  return {
    id: typeof id === 'string' && id !== '' ? id.slice(0, 64) : `client-${clientId}`,
    name: (typeof name === 'string' ? oneLine(name) : '') || nameless,
    color: isColor(color) ? color : colorless,
  }
}

/** One or two letters that stand for a name in its circle. */
export function initialsOf(name: string): string {
  const plain = name.replace(/[^\p{L}\p{N}\s]/gu, '')
  const words = (plain.trim() || name).split(/\s+/).filter(Boolean)
  const letters = words.length > 1 ? [words[0]!, words.at(-1)!].map(firstLetter) : [firstLetter(words[0] ?? '?')]
  return letters.join('').toUpperCase()
}

/** Black or white, whichever is read better on this colour; other clients choose colours that are not ours. */
export function inkOn(color: string): '#ffffff' | '#10181d' {
  const [red, green, blue] = [1, 3, 5].map((at) => linear(Number.parseInt(color.slice(at, at + 2), 16) / 255))
  const luminance = 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!
  return luminance > 0.2 ? '#10181d' : '#ffffff'
}

/** Colours are data, so they go through the style object: the page's content policy allows no style attributes. */
export function paint(target: HTMLElement, color: string): void {
  target.style.setProperty('--person', color)
  target.style.setProperty('--person-ink', inkOn(color))
}

export function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as { readonly [name: string]: unknown })[name] : undefined
}

function oneLine(text: string): string {
  return text
    .replace(/[\p{Cc}\s\u202a-\u202e\u2066-\u2069]+/gu, ' ')
    .trim()
    .slice(0, longestName)
}

function firstLetter(word: string): string {
  return [...new Intl.Segmenter().segment(word)][0]?.segment ?? '?'
}

function linear(channel: number): number {
  return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4
}
