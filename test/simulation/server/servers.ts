import type { Timeline } from '../../../client/src/testing/timeline.ts'
import { limits, type Node } from './node.ts'
import type { Wellbeing } from './wellbeing.ts'

/** Until everybody hears that edits cannot be stored, in ms. */
export const tellMs = 2_000
/** How long after the last change all must be as it is with such a database, in ms. */
export const recoveryMs = 8_000
/** A shutdown, and what nobody has open, while all is well. */
const stopMs = 800
const idleMs = 15_000

/** What must be true of each server's process. */
export class Servers {
  readonly #timeline: Timeline
  readonly #wellbeing: Wellbeing
  readonly #complain: (what: string) => void

  constructor(timeline: Timeline, wellbeing: Wellbeing, complain: (what: string) => void) {
    this.#timeline = timeline
    this.#wellbeing = wellbeing
    this.#complain = complain
  }

  check(node: Node): void {
    this.#checkStop(node)
    if (node.state === 'gone') return
    this.#checkIdle(node)
    this.#checkReady(node)
    const { bytes } = node.sync.journal.queued
    // what was read in the same moment comes on top
    if (bytes > 1.5 * limits.queuedBytes) this.#complain(`[R6.4] ${bytes} bytes wait to be stored`)
    // a limit of Hocuspocus's, which says so by itself
    const line = node.process.printed.find((line) => !line.startsWith('Hocuspocus: closing connection'))
    if (line !== undefined) this.#complain(`[R5] a server printed ${line.slice(0, 800)}`)
  }

  readonly #queuedSince = new Map<Node, number>()
  /** [W2] It is not ready while what waits cannot be stored, and ready soon after the database is well but for one document. */
  #checkReady(node: Node): void {
    const { state, sync } = node
    const now = this.#timeline.time
    if (sync.journal.queued.updates === 0) this.#queuedSince.delete(node)
    else if (!this.#queuedSince.has(node)) this.#queuedSince.set(node, now)
    if (state !== 'running') return
    const waiting = now - Math.max(this.#queuedSince.get(node) ?? now, this.#wellbeing.takesNothingSince)
    if (sync.journal.available && waiting > recoveryMs) {
      this.#complain('[W2] a server is ready, and its database has taken nothing for long')
    }
    if (!sync.journal.available && now - this.#wellbeing.since('all') > recoveryMs) {
      this.#complain('[W2] a server is not ready, and its database has long been well')
    }
  }

  /** [W3] With a database that is well a server stops soon and leaves nothing, whoever writes meanwhile. */
  #checkStop({ state, stoppedAt, left, process, sync }: Node): void {
    if (stoppedAt === null) return
    // what is being loaded ends with its question to the database
    if (state === 'gone' && process.timers.length > 0 && sync.hocuspocus.loadingDocuments.size === 0) {
      this.#complain(`[W3] timers outlive their server: ${process.timers}`)
    }
    if (this.#wellbeing.sinceAll + recoveryMs > stoppedAt) return
    if (left) this.#complain(`[W3] a server that stopped left ${left} updates, and its database was well`)
    if (state === 'stopping' && this.#timeline.time - stoppedAt > stopMs) {
      this.#complain(`[W3] a server does not come to an end, and its database is well`)
    }
  }

  readonly #idleSince = new Map<unknown, number>()
  /** [R3.3] What nobody has open, and of which nothing is queued, leaves memory. */
  #checkIdle({ sync }: Node): void {
    for (const { document, line } of sync.documents.all()) {
      if (document.getConnectionsCount() > 0 || !line.isDurable) this.#idleSince.delete(document)
      else if (!this.#idleSince.has(document)) this.#idleSince.set(document, this.#timeline.time)
      else if (this.#timeline.time - this.#idleSince.get(document)! > idleMs && this.#wellbeing.isWell) {
        this.#complain(`[R3.3] ${document.name} stays in memory, and nobody has it open`)
      }
    }
  }
}
