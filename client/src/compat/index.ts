export { type DomEventDetails, type DomEventOptions, emitDomEvents } from './dom-events.ts'
export type { Json } from './json.ts'
export { createStore, type KeyValueStore, type StoreOptions, type Validate } from './store.ts'
export type { Change } from './watchers.ts'
