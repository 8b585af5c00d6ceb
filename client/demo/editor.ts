import { Editor, type Extensions } from '@tiptap/core'
import Collaboration from '@tiptap/extension-collaboration'
import StarterKit from '@tiptap/starter-kit'
import type { Awareness } from 'y-protocols/awareness'
import type { Doc } from 'yjs'
import { caretsOf } from './caret.ts'
import type { Identity } from './identity.ts'
import { Placeholder } from './placeholder.ts'
import { isSafeHref } from './safe-href.ts'
import { SafeLink } from './safe-link.ts'

/** The Y.XmlFragment that holds the text; Tiptap's own default, so other Tiptap apps find it. */
export const fragmentName = 'default'

/** What a document may contain here; its schema follows from these. */
export const contentExtensions: Extensions = [
  StarterKit.configure({
    undoRedo: false, // Collaboration undoes only one's own edits
    trailingNode: false, // it would edit each document that is merely opened
    link: false,
    heading: { levels: [1, 2, 3] },
    dropcursor: { color: false, class: 'drop-cursor', width: 2 },
  }),
  SafeLink,
]

type EditorNeeds = {
  readonly mount: HTMLElement
  readonly doc: Doc
  readonly awareness: Awareness
  readonly identity: Identity
  readonly name: string
  /** Ctrl+K or the toolbar: the person wants to add, change or remove a link. */
  readonly onLinkWanted: (editor: Editor) => void
  /** Alt+F10, as editors everywhere. */
  readonly onToolbarWanted: () => void
}

/** The editor of one document. It starts read-only; `setEditable` opens it once the local copy is there. */
export function createEditor(needs: EditorNeeds): Editor {
  const editor: Editor = new Editor({
    element: needs.mount,
    editable: false,
    // the content policy allows no style element; styles/prose.css holds what ProseMirror needs
    injectCSS: false,
    // tells of deletions, which nobody listens for, at a cost that grows with the square of a transaction's steps
    enableCoreExtensions: { delete: false },
    extensions: [
      ...contentExtensions,
      Placeholder.configure({ text: 'Write something. Whoever has this address open writes with you.' }),
      Collaboration.configure({ document: needs.doc, field: fragmentName }),
      caretsOf(needs.awareness, needs.identity),
    ],
    editorProps: {
      attributes: {
        'data-testid': 'editor',
        class: 'prose',
        role: 'textbox',
        'aria-multiline': 'true',
        'aria-label': `Text of the document ${needs.name}`,
        'aria-describedby': 'keys-hint',
      },
      handleKeyDown(_view, event) {
        if (event.altKey && event.key === 'F10') {
          needs.onToolbarWanted()
          return true
        }
        if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === 'k') {
          event.preventDefault()
          needs.onLinkWanted(editor)
          return true
        }
        return false
      },
      // a plain click places the caret, as in all text; with Ctrl or ⌘ it follows the link
      handleClick(_view, _position, event) {
        const href = event.target instanceof Element && event.target.closest('a')?.href
        if (!(event.ctrlKey || event.metaKey) || !isSafeHref(href)) return false
        window.open(href, '_blank', 'noopener,noreferrer')
        return true
      },
    },
  })
  return editor
}
