/**
 * The page of an app that the browser renders before anybody looks at it. Nobody may watch such a page (the browser
 * does not prerender where its developer tools are), so it tells by itself how it goes.
 */
import { createClient } from '@tidemark/client'

export interface Told {
  readonly page: string
  readonly isPrerendering: boolean
  readonly text: string
  readonly kind: string
  readonly pendingCount: number
  readonly localStore: string
}

const { url, document: name, settings, next } = await (await fetch('/options.json')).json()
const page = location.pathname.slice(1)
const opened = createClient({ url, ...settings }).open(name)
const text = opened.doc.getText('t')

async function tell(): Promise<void> {
  const { kind, pendingCount, localStore } = opened.status
  const told: Told = {
    ...{ page, kind, pendingCount, localStore: localStore.kind },
    isPrerendering: document.prerendering,
    text: text.toString(),
  }
  const answer = await fetch('/tell', { method: 'POST', body: JSON.stringify(told) })
  if ((await answer.text()) === 'go on' && page !== next) location.href = `/${next}`
}

await opened.whenLoaded
text.insert(text.length, `${page} `)
if (page !== next) {
  await opened.flush()
  const rules = document.createElement('script')
  rules.type = 'speculationrules'
  rules.text = JSON.stringify({ prerender: [{ source: 'list', urls: [`/${next}`], eagerness: 'immediate' }] })
  document.head.append(rules)
}
setInterval(() => void tell(), 100)

declare global {
  interface Document {
    /** Nobody looks at it yet. */
    readonly prerendering: boolean
  }
}
