import { isDocumentName } from '@tidemark/shared'
import type { DeviceMemory } from './device-memory.ts'
import { byId, element } from './dom.ts'
import { pathOf, welcomeName } from './route.ts'

const key = 'tidemark:recent'
const mostRecent = 6

/** The small panel that opens another document by its name, and remembers the last few. */
export function createSwitcher(memory: DeviceMemory, open: (name: string) => void): { opened(name: string): void } {
  const panel = byId('switcher', HTMLElement)
  const name = byId('switcher-name', HTMLInputElement)
  const hint = byId('switcher-hint', HTMLElement)
  const usualHint = hint.textContent

  const say = (words: string | null) => {
    hint.textContent = words ?? usualHint
    hint.classList.toggle('field-error', words !== null)
    name.toggleAttribute('aria-invalid', words !== null)
  }
  byId('switcher-form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault()
    const wanted = name.value.trim()
    if (!isDocumentName(wanted)) {
      say(wanted === '' ? 'Write a name first.' : `A document cannot have this name. ${nameRule}`)
      name.focus()
      return
    }
    panel.hidePopover()
    name.value = ''
    open(wanted)
  })
  name.addEventListener('input', () => say(null))
  panel.addEventListener('toggle', (event) => {
    if (event.newState === 'open') name.focus()
    else say(null)
  })

  return {
    opened(opened) {
      const recent = [opened, ...readRecent(memory).filter((known) => known !== opened)].slice(0, mostRecent)
      memory.write(key, JSON.stringify(recent))
      const others = [...recent, welcomeName].filter((known, at, all) => known !== opened && all.indexOf(known) === at)
      byId('switcher-recent', HTMLUListElement).replaceChildren(
        ...others.map((known) => element('li', {}, element('a', { href: pathOf(known) }, known))),
      )
    },
  }
}

export const nameRule = 'Use up to 512 bytes of text, with slashes only between words and no “..”.'

function readRecent(memory: DeviceMemory): readonly string[] {
  try {
    const value: unknown = JSON.parse(memory.read(key) ?? '[]')
    return Array.isArray(value) ? value.filter(isDocumentName) : []
  } catch {
    return []
  }
}
