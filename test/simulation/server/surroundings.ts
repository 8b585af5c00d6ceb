import type { Timeline } from '../../../client/src/testing/timeline.ts'
import type { Random } from '../../helpers/random.ts'
import type { Node } from './node.ts'
import type { Replica, Write } from './replica.ts'
import type { Writer } from './writer.ts'

/** What a writer does and hears. */
export interface WriterEvents {
  wrote(replica: Replica, write: Write): void
  acknowledged(writer: Writer, replica: Replica, write: Write): void
  refused(writer: Writer, replica: Replica, write: Write): void
  /** Everything that it made and told has been answered: its person reads "Saved". */
  saved(writer: Writer, replica: Replica): void
  trouble(what: string): void
}

/** Where a writer lives. */
export interface WriterWorld {
  readonly timeline: Timeline
  readonly random: Random
  node(number: number): Node | null
}
