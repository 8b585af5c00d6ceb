import type { Device, World } from '@tidemark/client/testing'
import { Coverage } from './coverage.ts'
import { copiesOn, holdingOf } from './disk.ts'
import type { Edit } from './opened.ts'
import type { Promises } from './promises.ts'
import type { DocumentName } from './steps.ts'

/** ms that it may take to store as one's own what a tab that died had told. */
const inheriting = 2_000

/** What must be true of the dirty marks on the disks, whatever has happened. */
export class Marks {
  readonly #world: World
  readonly #promises: Promises
  /** When an edit was first found on a disk without a mark, after its author had died. */
  readonly #unmarkedSince = new Map<Edit, number>()

  constructor(world: World, promises: Promises) {
    this.#world = world
    this.#promises = promises
  }

  /** [R3.1] What is on the disk and not acknowledged is marked. */
  check(device: Device, name: DocumentName): void {
    const { edits, opened, stored, journals } = this.#promises
    for (const copy of copiesOn(device, name)) {
      const held = holdingOf(copy)
      for (const edit of edits) {
        const { by, units, position, opening } = edit
        if (by.device !== device || by.name !== name || !held.holds(units)) continue
        stored.add(edit)
        if (this.#promises.hasLostMark(edit)) continue
        // what a tab without a disk made comes to the others from the server
        if (journals.holds(name, units) || !by.isOfDisk) continue
        const isMarked = (opening: string | null, position: number | null) => {
          const mark = copy.marks.get(opening ?? '')
          return mark !== undefined && position !== null && mark.from <= position && position <= mark.to
        }
        if (isMarked(opening, position)) continue
        const written = copy.written.filter(({ update }) => new Coverage().add(update).holds(units))
        // another tab has stored it as an edit of its own, because its author is gone
        if (written.some((write) => isMarked(write.opening, write.position))) continue
        // or has got it by comparison, and its author marks it when it can store it; or from the server
        const isFromServer = opened.some((other) => other.device === device && other.login.hasReceived(name, units))
        const isByAuthor = written.some((write) => write.opening === opening)
        if (!isByAuthor && (by.tab.state !== 'gone' || isFromServer || by.wasAsked)) continue
        // or its author has just died, and who leads is storing it as an edit of its own
        if (!isByAuthor && this.#isFresh(edit)) continue
        this.#promises.complain(`[R3.1] ${edit.says} of ${by} is stored, not committed, and not marked`)
      }
    }
  }

  /** It was noticed without a mark just now. */
  #isFresh(edit: Edit): boolean {
    const { time } = this.#world
    const since = this.#unmarkedSince.get(edit) ?? time
    this.#unmarkedSince.set(edit, since)
    return time - since < inheriting
  }
}
