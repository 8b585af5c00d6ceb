export { HocuspocusProvider } from '@hocuspocus/provider'
export { IndexeddbPersistence } from 'y-indexeddb'
