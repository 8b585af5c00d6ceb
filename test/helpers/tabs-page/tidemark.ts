/** The page of an app that uses Tidemark. */
import { createClient, type TidemarkClient, type TidemarkDocument } from '@tidemark/client'
import { expose } from './page.ts'

expose('tidemark', (doc, { url, document: name, token, settings }, note) => {
  const auth = () => token ?? Promise.reject(new TypeError('Failed to fetch'))
  const client = createClient({ url, ...(token === undefined ? {} : { auth }), ...settings })
  const document = client.open(name, { doc })
  document.on('pending', () => note('pending'))
  document.on('drained', () => note('drained'))
  document.on('error', ({ code }) => note('error', code))
  document.on('status', ({ kind }) => note(`status:${kind}`))
  document.on('set-aside', ({ error }) => note('set-aside', error.code))
  client.on('error', ({ code }) => note('connection-error', code))
  window.opened = { client, document }
  return {
    awareness: document.awareness,
    whenLoaded: document.whenLoaded,
    whenSynced: document.whenSynced,
    status() {
      const { kind, status, pendingCount, localStore, ...rest } = document.status
      const error = 'error' in rest ? rest.error : null
      return { kind, status, pendingCount, localStore: localStore.kind, code: error?.code ?? null }
    },
    close: () => client.close(),
  }
})

declare global {
  interface Window {
    /** What the app has in its hands. */
    opened: { client: TidemarkClient; document: TidemarkDocument }
  }
}
