/** The page of an app that uses Tidemark. */
import { createClient } from '@tidemark/client'
import { expose } from './page.ts'

expose('tidemark', (doc, { url, document: name, token, settings }, note) => {
  const client = createClient({ url, ...(token === undefined ? {} : { auth: () => token }), ...settings })
  const document = client.open(name, { doc })
  document.on('pending', () => note('pending'))
  document.on('drained', () => note('drained'))
  document.on('error', ({ code }) => note('error', code))
  document.on('status', ({ kind }) => note(`status:${kind}`))
  client.on('error', ({ code }) => note('connection-error', code))
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
