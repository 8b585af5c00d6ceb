import { type Editor, getSchema } from '@tiptap/core'
import type { Client, OpenDocument } from './client-types.ts'
import type { Confirm } from './confirm.ts'
import { byId, element, setText } from './dom.ts'
import { contentExtensions, createEditor, fragmentName } from './editor.ts'
import { watchForeignContent } from './foreign-content.ts'
import type { Identity } from './identity.ts'
import { bindIndicator } from './indicator.ts'
import { bindPeople } from './people.ts'
import { bindProblems } from './problems.ts'
import { bindSetAside } from './set-aside.ts'
import type { Toasts } from './toast.ts'
import { createToolbar, type Toolbar } from './toolbar.ts'

type ViewNeeds = {
  readonly client: Client
  readonly tidemark: OpenDocument
  readonly identity: Identity
  readonly toasts: Toasts
  readonly signIn: (() => void) | null
  readonly confirm: Confirm
  readonly onLinkWanted: (editor: Editor) => void
  /** It takes the place of one that was set aside a moment ago. */
  readonly isAnew: boolean
}

export type DocumentView = { close(): void }

/** Shows one open document: its text, who is here, how safe it is, and what went wrong. */
export function showDocument(needs: ViewNeeds): DocumentView {
  const { client, tidemark, identity, toasts, signIn, confirm, onLinkWanted } = needs
  const workspace = byId('workspace', HTMLElement)
  const sheet = byId('document', HTMLElement)
  const keysHint = byId('keys-hint', HTMLElement)
  const readOnlyBadge = byId('read-only-badge', HTMLElement)
  let closed = false
  let loaded = false
  let editor: Editor | null = null
  let toolbar: Toolbar | null = null

  tidemark.awareness.setLocalStateField('user', identity)

  const removeEditor = () => {
    toolbar?.close()
    editor?.destroy()
    toolbar = null
    editor = null
  }
  const refuseForeign = () => {
    removeEditor()
    sheet.replaceChildren(element('p', { class: 'sheet-note', 'data-testid': 'foreign' }, foreignNote))
    keysHint.hidden = true
  }
  const fragment = tidemark.doc.getXmlFragment(fragmentName)
  const watch = watchForeignContent(fragment, getSchema([...contentExtensions]), refuseForeign)

  const updateEditable = () => {
    const readOnly = tidemark.level === 'read'
    readOnlyBadge.hidden = !readOnly
    keysHint.hidden = readOnly || editor === null
    workspace.dataset.readOnly = String(readOnly)
    const editable = loaded && !readOnly
    // this emits an update, which the toolbar listens for
    if (editor && editor.isEditable !== editable) editor.setEditable(editable)
  }

  const mountEditor = () => {
    sheet.replaceChildren()
    editor = createEditor({
      mount: sheet,
      doc: tidemark.doc,
      awareness: tidemark.awareness,
      identity,
      name: tidemark.name,
      onLinkWanted,
      onToolbarWanted: () => toolbar?.focus(),
    })
    toolbar = createToolbar(byId('toolbar', HTMLElement), editor, onLinkWanted)
    keysHint.hidden = false
  }

  workspace.hidden = false
  if (watch.found) refuseForeign()
  else mountEditor()

  const ends = [
    bindIndicator(tidemark),
    bindPeople(tidemark.awareness),
    bindProblems(tidemark, toasts, { signIn, confirm }),
    bindSetAside({ client, tidemark, toasts, confirm, hasJustHappened: needs.isAnew }),
    tidemark.on('status', updateEditable),
    tidemark.on('synced', updateEditable),
  ]
  void tidemark.whenLoaded.then(() => {
    if (closed) return
    loaded = true
    sheet.dataset.loaded = 'true'
    updateEditable()
  })

  return {
    close() {
      if (closed) return
      closed = true
      for (const end of ends) end()
      watch.close()
      removeEditor()
      sheet.replaceChildren()
      delete sheet.dataset.loaded
      readOnlyBadge.hidden = true
      keysHint.hidden = true
      workspace.hidden = true
      setText(byId('local-notice', HTMLElement), '')
      byId('local-notice', HTMLElement).hidden = true
    },
  }
}

const foreignNote =
  'This document was written with another editor and has parts that this page cannot show. It is not shown here, so ' +
  'that nothing of it is lost; it stays as it is, for everyone.'
