import type { Clock } from '@tidemark/shared'
import type * as Y from 'yjs'
import type { TabWorld } from '../tabs/world.ts'
import type { Seals } from './seals.ts'

export interface IndexeddbStoreMeans {
  readonly namespace: string
  readonly clock: Clock
  /** How long opening may take, in ms: a blocked or hanging browser must not keep the document closed. */
  readonly openTimeLimit: number
  /** Without it nobody else is asked before the copy is compacted, and it is never evicted. */
  readonly tabs?: Pick<TabWorld, 'locks' | 'page'> | undefined
  /** How rows are stored, when not in the clear. */
  readonly seals?: ((database: string) => Seals) | undefined
  /** The person has made an edit. */
  readonly onEdit?: (() => void) | undefined
}

/** What is opened, and by whom. */
export interface Subject {
  readonly document: string
  readonly doc: Y.Doc
  readonly opening: string
}
