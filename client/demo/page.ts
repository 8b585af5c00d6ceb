import { byId, setText } from './dom.ts'

/** The parts of the page that belong to no single document: its title, its message in the middle, its notices. */
export const page = {
  title(name: string): void {
    setText(byId('document-name', HTMLElement), name)
    byId('document-name', HTMLElement).title = name
    document.title = `${name} · Tidemark`
  },

  /** Says something in place of a document; `null` takes it away. */
  message(message: { readonly title: string; readonly text: string } | null): void {
    const section = byId('message', HTMLElement)
    section.hidden = message === null
    setText(byId('message-title', HTMLElement), message?.title ?? '')
    setText(byId('message-text', HTMLElement), message?.text ?? '')
  },

  openNotice(shown: boolean): void {
    byId('open-notice', HTMLElement).hidden = !shown
  },

  /** Links to documents open in this page, without a reload: a reload would forget the token. */
  onDocumentLink(open: (path: string) => void): void {
    document.addEventListener('click', (event) => {
      const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey
      const link = event.target instanceof Element ? event.target.closest('a') : null
      if (!plain || event.defaultPrevented || !link || link.closest('.prose') || link.hash !== '') return
      if (link.origin !== location.origin || link.target !== '') return
      event.preventDefault()
      open(link.pathname)
    })
  },
}
