import { describe, expect, it } from 'vitest'
import { Awareness } from 'y-protocols/awareness'
import { Doc } from 'yjs'
import { checkedAwareness } from './checked-awareness.ts'
import { peopleIn } from './people.ts'
import { initialsOf, inkOn, parsePerson, personColors } from './person.ts'

function awarenessOf(states: readonly unknown[]): Awareness {
  const awareness = new Awareness(new Doc())
  awareness.destroy()
  for (const [at, state] of states.entries()) {
    awareness.states.set(at === 0 ? awareness.clientID : at, state as { [field: string]: unknown })
  }
  return awareness
}

describe('[C5] who is here', () => {
  it('the tabs of one browser are one person, and you come first', () => {
    const ann = { user: { id: 'ann', name: 'Ann', color: '#0b6e78' } }
    const bob = { user: { id: 'bob', name: 'Bob', color: '#a8327a' } }
    const people = peopleIn(awarenessOf([bob, ann, bob, { cursor: null }]))
    expect(people.map(({ name, isMe, tabs }) => [name, isMe, tabs])).toEqual([
      ['Bob', true, 2],
      ['Ann', false, 1],
    ])
  })

  it('another client may say anything about itself, and is shown as plain text or not at all', () => {
    expect(parsePerson({ user: 'evil' }, 7)).toBeNull()
    expect(parsePerson(null, 7)).toBeNull()
    expect(parsePerson({ user: { name: 4, color: 'url(x)', id: {} } }, 7)).toEqual({
      id: 'client-7',
      name: 'Someone',
      color: '#4a5568',
    })
    expect(parsePerson({ user: { name: ' A\n\u202eB '.repeat(99) } }, 7)?.name.length).toBeLessThanOrEqual(40)
  })

  it('[R6] a state that would make the caret plugin throw is not handed to it', () => {
    const user = { id: 'a', name: 'A', color: '#0b6e78' }
    const good = { item: { client: 1, clock: 0 }, type: null, tname: null, assoc: 0 }
    const cursors = [5, {}, { anchor: good }, { anchor: { item: { client: 'x', clock: -1 } }, head: good }]
    const awareness = checkedAwareness(
      awarenessOf([{ user, cursor: 5 }, { user: 'evil', cursor: 5 }, ...cursors.map((cursor) => ({ user, cursor }))]),
    )
    expect([...awareness.getStates().values()].map((state) => state.cursor)).toEqual(Array(5).fill(null))
    expect(awareness.getLocalState()?.cursor).toBeNull()
    const whole = { anchor: good, head: good }
    const seen = checkedAwareness(awarenessOf([{ user }, { user, cursor: whole }])).getStates()
    expect([...seen.values()].map((state) => state.cursor)).toEqual([null, whole])
  })

  it('a name is stood for by its letters, in ink that can be read on its colour', () => {
    expect([...['Ann', 'Quiet Otter', 'Ada B. <b>Lind</b>', '🌊', '李 明']].map(initialsOf)).toEqual([
      'A',
      'QO',
      'AB',
      '🌊',
      '李明',
    ])
    for (const { value } of personColors) expect(contrast(value, inkOn(value))).toBeGreaterThanOrEqual(4.5)
    for (const color of ['#ffff00', '#00ff00', '#777777', '#ffa500', '#000000', '#ffffff']) {
      expect(contrast(color, inkOn(color))).toBeGreaterThanOrEqual(4.2)
    }
  })
})

function contrast(one: string, other: string): number {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (light! + 0.05) / (dark! + 0.05)
}

function luminance(color: string): number {
  const [red, green, blue] = [1, 3, 5]
    .map((at) => Number.parseInt(color.slice(at, at + 2), 16) / 255)
    .map((channel) => (channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4))
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!
}
