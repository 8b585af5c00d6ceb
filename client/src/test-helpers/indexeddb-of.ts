import { afterAll, beforeAll, vi } from 'vitest'
import { KeyRange, type Tab } from '../testing/index.ts'

/** In a test file: what is tested finds the simulated IndexedDB of the tab that is the current one just then. */
export function indexedDBOf(current: () => Tab): void {
  beforeAll(() => {
    vi.stubGlobal('IDBKeyRange', KeyRange)
    Object.defineProperty(globalThis, 'indexedDB', { configurable: true, get: () => current().indexedDB })
  })
  afterAll(() => {
    vi.unstubAllGlobals()
    Reflect.deleteProperty(globalThis, 'indexedDB')
  })
}
