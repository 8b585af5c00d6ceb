import type { Editor } from '@tiptap/core'
import { element } from './dom.ts'
import { icon } from './icons.ts'
import { type ToolbarItem, toolbarItems } from './toolbar-items.ts'

export type Toolbar = { focus(): void; close(): void }

/**
 * The toolbar of an editor, as the ARIA practices describe one: a single stop of the Tab key, arrows inside it, Escape
 * back to the text. Buttons that can do nothing now stay reachable (`aria-disabled`), so that they are not lost to the keyboard.
 */
export function createToolbar(place: HTMLElement, editor: Editor, onLinkWanted: (editor: Editor) => void): Toolbar {
  const ending = new AbortController()
  const { signal } = ending
  const items = new Map<HTMLButtonElement, ToolbarItem>()
  for (const group of toolbarItems(onLinkWanted)) {
    const buttons = group.map((item) => {
      const button = createButton(item)
      items.set(button, item)
      return button
    })
    place.append(element('div', { class: 'toolbar-group', role: 'group' }, ...buttons))
  }
  const buttons = [...items.keys()]
  let current = buttons[0]!

  const moveTo = (button: HTMLButtonElement) => {
    current = button
    for (const each of buttons) each.tabIndex = each === button ? 0 : -1
  }
  const show = () => {
    for (const [button, item] of items) {
      setAttribute(button, 'aria-disabled', String(!item.can(editor)))
      if (item.isOn) setAttribute(button, 'aria-pressed', String(item.isOn(editor)))
    }
  }
  // remote edits come in bursts; one look at the buttons for each painted frame is enough
  let frame = 0
  const showSoon = () => {
    if (frame === 0) {
      frame = requestAnimationFrame(() => {
        frame = 0
        if (!editor.isDestroyed) show()
      })
    }
  }

  place.setAttribute('role', 'toolbar')
  place.setAttribute('aria-label', 'Formatting')
  place.setAttribute('aria-controls', 'document')
  // pressing a button must not take the selection from the text
  place.addEventListener('mousedown', (event) => event.preventDefault(), { signal })
  place.addEventListener(
    'click',
    (event) => {
      const button = event.target instanceof Element ? event.target.closest('button') : null
      const item = button && items.get(button)
      if (!button || !item) return
      moveTo(button)
      if (item.can(editor)) item.run(editor)
    },
    { signal },
  )
  place.addEventListener(
    'keydown',
    (event) => {
      const next = neighbour(buttons, current, event.key)
      if (next) {
        event.preventDefault()
        moveTo(next)
        next.focus()
      } else if (event.key === 'Escape') {
        editor.view.focus()
      }
    },
    { signal },
  )
  editor.on('transaction', showSoon)
  editor.on('update', showSoon)
  moveTo(current)
  show()

  return {
    focus: () => current.focus(),
    close() {
      ending.abort()
      cancelAnimationFrame(frame)
      editor.off('transaction', showSoon)
      editor.off('update', showSoon)
      place.replaceChildren()
    },
  }
}

function neighbour(buttons: readonly HTMLButtonElement[], current: HTMLButtonElement, key: string) {
  const at = buttons.indexOf(current)
  switch (key) {
    case 'ArrowRight':
      return buttons[(at + 1) % buttons.length]
    case 'ArrowLeft':
      return buttons.at(at - 1)
    case 'Home':
      return buttons[0]
    case 'End':
      return buttons.at(-1)
    default:
      return undefined
  }
}

function createButton(item: ToolbarItem): HTMLButtonElement {
  const apple = /Mac|iPhone|iPad/.test(navigator.platform)
  const shown = item.keys?.replace('Mod', apple ? '⌘' : 'Ctrl')
  return element(
    'button',
    {
      class: 'toolbar-button',
      type: 'button',
      'data-testid': `tool-${item.id}`,
      'aria-label': item.label,
      title: shown ? `${item.label} (${shown})` : item.label,
      'aria-keyshortcuts': item.keys?.replace('Mod', apple ? 'Meta' : 'Control') ?? false,
    },
    icon(item.icon),
  )
}

function setAttribute(target: HTMLElement, name: string, value: string): void {
  if (target.getAttribute(name) !== value) target.setAttribute(name, value)
}
