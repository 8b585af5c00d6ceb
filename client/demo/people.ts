import type { Awareness } from 'y-protocols/awareness'
import { byId, element, setText } from './dom.ts'
import { initialsOf, type Person, paint, parsePerson } from './person.ts'

type Present = Person & { readonly isMe: boolean; readonly tabs: number }

const mostCircles = 4

/** Shows who has the document open: circles in the header, names in the panel. @returns the end of it */
export function bindPeople(awareness: Awareness): () => void {
  const button = byId('people', HTMLButtonElement)
  const list = byId('people-list', HTMLUListElement)
  let shown = ''

  const update = () => {
    const people = peopleIn(awareness)
    // awareness changes with each movement of a caret; the people change seldom
    const now = JSON.stringify(people)
    if (now === shown) return
    shown = now
    const circles = people.slice(0, mostCircles).map((person) => circle(person))
    const more = people.length - circles.length
    if (more > 0) circles.push(element('span', { class: 'avatar avatar-more' }, `+${more}`))
    button.replaceChildren(
      element('span', { class: 'avatars', 'aria-hidden': 'true' }, ...circles),
      element('span', { class: 'people-count', 'aria-hidden': 'true' }, String(people.length)),
    )
    button.dataset.count = String(people.length)
    const names = people.map((person) => (person.isMe ? `${person.name} (you)` : person.name)).join(', ')
    button.setAttribute('aria-label', `${people.length === 1 ? '1 person' : `${people.length} people`} here: ${names}`)
    button.title = names
    list.replaceChildren(...people.map(row))
    setText(
      byId('people-heading', HTMLElement),
      people.length === 1 ? 'Here now: only you' : `Here now: ${people.length}`,
    )
  }

  awareness.on('change', update)
  button.hidden = false
  update()
  return () => {
    awareness.off('change', update)
    button.hidden = true
    list.replaceChildren()
  }
}

/** The people of all clients: the tabs of one browser are one person. You come first, the others by name. */
export function peopleIn(awareness: Pick<Awareness, 'getStates' | 'clientID'>): readonly Present[] {
  const people = new Map<string, Present>()
  for (const [clientId, state] of awareness.getStates()) {
    const person = parsePerson(state, clientId)
    if (!person) continue
    const known = people.get(person.id)
    const isMe = clientId === awareness.clientID
    people.set(person.id, {
      ...(isMe || !known ? person : known),
      isMe: isMe || (known?.isMe ?? false),
      tabs: (known?.tabs ?? 0) + 1,
    })
  }
  return [...people.values()].sort(
    (one, other) => Number(other.isMe) - Number(one.isMe) || one.name.localeCompare(other.name),
  )
}

function circle(person: Present): HTMLSpanElement {
  const made = element('span', { class: 'avatar', 'data-testid': 'avatar' }, initialsOf(person.name))
  paint(made, person.color)
  return made
}

function row(person: Present): HTMLLIElement {
  const avatar = circle(person)
  avatar.setAttribute('aria-hidden', 'true')
  const notes = [person.isMe ? 'you' : '', person.tabs > 1 ? `${person.tabs} tabs` : ''].filter(Boolean).join(', ')
  const name = element('span', { class: 'people-name' }, person.name)
  return element('li', { 'data-testid': 'person' }, avatar, name, element('span', { class: 'people-note' }, notes))
}
