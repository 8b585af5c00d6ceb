import Link from '@tiptap/extension-link'
import { isSafeHref, mayBecomeLink } from './safe-href.ts'

/** Typing takes a handful of steps; more than this is no word after which a link would be looked for. */
const mostSteps = 100
const fixed = { target: '_blank', rel: 'noopener noreferrer nofollow' }

/**
 * Tiptap's link, of which only the address is taken from the document: `class`, `target` and `rel` come from whoever
 * wrote it, and could dress a link up as a part of this page.
 */
export const SafeLink = Link.extend({
  dispatchTransaction({ transaction, next }) {
    // To find links, every step is mapped through all the others. Bold over 5,000 paragraphs is 5,000 steps.
    if (transaction.steps.length > mostSteps) transaction.setMeta('preventAutolink', true)
    next(transaction)
  },
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
  isAllowedUri: mayBecomeLink,
})
