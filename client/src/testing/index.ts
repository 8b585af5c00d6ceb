/**
 * A server, a network, tabs and a disk in memory, for tests of apps that use Tidemark: deterministic, with no real
 * timers and no real network. Begin with {@link createWorld}.
 */
export { accountNamespace } from '../account/names.ts'
export type { Device, Stored } from './device.ts'
export type { DatabaseContent, StepKind, StepOutcome } from './indexeddb/backend.ts'
export { KeyRange } from './indexeddb/object-store.ts'
export type { Authorise, MemoryServer } from './memory-server/memory-server.ts'
export type { Duration } from './network.ts'
export type { Tab, TabClientOptions } from './tab.ts'
export { createWorld, type World, type WorldOptions } from './world.ts'
