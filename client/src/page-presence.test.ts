import { expect, onTestFinished, test, vi } from 'vitest'
import { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { keepPresence } from './page-presence.ts'

test('[C5] a page that comes back from the browser’s cache is present again', () => {
  const page = new EventTarget()
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page))
  vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page))
  onTestFinished(() => void vi.unstubAllGlobals())
  const awareness = new Awareness(new Y.Doc())
  onTestFinished(() => awareness.destroy())
  awareness.setLocalStateField('user', { name: 'Anna' })
  const forget = keepPresence(awareness)
  page.dispatchEvent(new Event('pagehide'))
  // what Hocuspocus's provider does then
  awareness.setLocalState(null)
  page.dispatchEvent(new Event('pageshow'))
  expect(awareness.getLocalState()).toEqual({ user: { name: 'Anna' } })

  forget()
  page.dispatchEvent(new Event('pagehide'))
  awareness.setLocalState(null)
  page.dispatchEvent(new Event('pageshow'))
  expect(awareness.getLocalState()).toBeNull()
})
