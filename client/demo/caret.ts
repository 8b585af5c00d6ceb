import { CollaborationCaret } from '@tiptap/extension-collaboration-caret'
import type { Awareness } from 'y-protocols/awareness'
import { checkedAwareness } from './checked-awareness.ts'
import { element } from './dom.ts'
import type { Identity } from './identity.ts'
import { isColor, longestName, paint } from './person.ts'

/** The others' carets and selections. Colours go through the style object and names through text nodes (S5). */
export function caretsOf(awareness: Awareness, identity: Identity) {
  return CollaborationCaret.configure({
    provider: { awareness: checkedAwareness(awareness) },
    user: identity,
    render(user) {
      // a word joiner on both sides keeps the caret's box from breaking a word or a line
      const name = user.id === identity.id ? 'You, in another tab' : String(user.name).slice(0, longestName)
      const label = element('span', { class: 'caret-label' }, name)
      const caret = element('span', { class: 'caret', 'data-testid': 'caret', 'aria-hidden': 'true' }, label)
      if (isColor(user.color)) paint(caret, user.color)
      return caret
    },
    selectionRender(user) {
      // ProseMirror adds this to the element's `style.cssText`, so it is no style attribute to the content policy
      return isColor(user.color) ? { class: 'caret-selection', style: `--person: ${user.color}` } : {}
    },
  })
}
