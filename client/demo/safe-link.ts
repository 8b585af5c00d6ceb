import Link from '@tiptap/extension-link'
import { isSafeHref } from './safe-href.ts'

const fixed = { target: '_blank', rel: 'noopener noreferrer nofollow' }

/**
 * Tiptap's link, of which only the address is taken from the document: `class`, `target` and `rel` come from whoever
 * wrote it, and could dress a link up as a part of this page.
 */
export const SafeLink = Link.extend({
  renderHTML({ HTMLAttributes }) {
    const href: unknown = HTMLAttributes.href
    return isSafeHref(href) ? ['a', { ...fixed, href }, 0] : ['a', {}, 0]
  },
}).configure({
  openOnClick: false,
  defaultProtocol: 'https',
  protocols: [],
  HTMLAttributes: fixed,
  // the parser and the commands ask this too; what is typed without a protocol is completed before it becomes a link
  isAllowedUri: (url) => isSafeHref(url) || isSafeHref(`https://${url}`),
})
