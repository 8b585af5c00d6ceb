import type { Editor } from '@tiptap/core'
import { byId, setText } from './dom.ts'
import { hrefFrom } from './safe-href.ts'

/** @returns the function that asks for the address of the link at the caret, and sets, changes or removes it */
export function createLinkDialog(): (editor: Editor) => void {
  const dialog = byId('link-dialog', HTMLDialogElement)
  const address = byId('link-address', HTMLInputElement)
  const problem = byId('link-error', HTMLElement)
  const remove = byId('link-remove', HTMLButtonElement)
  let asking: Editor | null = null

  const finish = (change: ((editor: Editor) => void) | null) => {
    const editor = asking
    asking = null
    dialog.close()
    if (!editor || editor.isDestroyed) return
    // The browser gives the focus back with the caret at the beginning; this puts the selection there at once,
    // before ProseMirror reads the browser's.
    editor.view.focus()
    if (editor.isEditable) change?.(editor)
  }

  byId('link-form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault()
    const href = hrefFrom(address.value)
    if (href === null) {
      setText(problem, 'A link begins with https://, http:// or mailto:. This is not one.')
      address.setAttribute('aria-invalid', 'true')
      address.focus()
      return
    }
    finish((editor) => setLink(editor, href))
  })
  address.addEventListener('input', () => {
    setText(problem, '')
    address.removeAttribute('aria-invalid')
  })
  remove.addEventListener('click', () => {
    finish((editor) => editor.chain().focus().extendMarkRange('link').unsetLink().run())
  })
  byId('link-cancel', HTMLButtonElement).addEventListener('click', () => finish(null))
  dialog.addEventListener('cancel', (event) => {
    event.preventDefault()
    finish(null)
  })

  return (editor) => {
    if (!editor.isEditable || dialog.open) return
    asking = editor
    const href: unknown = editor.getAttributes('link').href
    address.value = typeof href === 'string' ? href : ''
    address.removeAttribute('aria-invalid')
    setText(problem, '')
    remove.hidden = address.value === ''
    dialog.showModal()
    address.select()
  }
}

function setLink(editor: Editor, href: string): void {
  const { empty } = editor.state.selection
  if (empty && !editor.isActive('link')) {
    const text = href.replace(/^(https?:\/\/|mailto:)/, '').replace(/\/$/, '')
    editor
      .chain()
      .focus()
      .insertContent({ type: 'text', text, marks: [{ type: 'link', attrs: { href } }] })
      .run()
  } else {
    editor.chain().focus().extendMarkRange('link').setLink({ href }).run()
  }
}
