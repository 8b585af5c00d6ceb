import type { Device, World } from '@tidemark/client/testing'
import { Coverage } from './coverage.ts'
import { Journals } from './journals.ts'
import type { Edit, Opened } from './opened.ts'
import { type DocumentName, documents } from './steps.ts'

/** A promise of the specification that was not kept. */
export class Broken extends Error {
  override readonly name = 'Broken'
}

/** What must be true after each step, whatever has happened. */
export class Promises {
  readonly opened: Opened[] = []
  readonly edits: Edit[] = []
  readonly journals: Journals
  /** Edits that were on a disk at some time, until that disk was cleared. */
  readonly stored = new Set<Edit>()
  /** Devices whose tabs have a copy that was thrown away: they do not meet those that open the new one. */
  readonly parted = new Set<Device>()
  /** Whose marks went with a disk that was cleared: others bring the edits back, only their own tab the mark. */
  readonly #cleared = new Set<Edit>()
  /** What was called saved and was not, and since when. A tab that opens may show that until it has asked the others. */
  readonly #world: World
  readonly #devices: readonly Device[]
  #trouble: string | null = null

  constructor(world: World, devices: readonly Device[]) {
    this.#world = world
    this.#devices = devices
    this.journals = new Journals(world.server)
  }

  complain(what: string): void {
    this.#trouble ??= what
  }

  /** @throws {Broken} */
  answer(): void {
    if (this.#trouble) throw new Broken(this.#trouble)
  }

  /** A disk is being cleared. */
  clear(device: Device): void {
    this.parted.add(device)
    for (const edit of this.edits) {
      if (edit.by.device !== device) continue
      this.stored.delete(edit)
      this.#cleared.add(edit)
    }
  }

  /** @throws {Broken} */
  check(): void {
    this.journals.look()
    for (const opened of this.opened) {
      if (!opened.isRunning) continue
      checkNothingDoubled(opened.numbers, opened.toString())
      if (opened.document.status.kind === 'saved') this.checkSaved(opened, 'saved')
    }
    for (const name of documents) {
      const committed = this.#world.server.committed(name).getArray<number>('numbers').toArray()
      checkNothingDoubled(committed, `the server's ${name}`)
    }
    for (const device of this.#devices) for (const name of documents) this.#checkMarks(device, name)
    this.answer()
  }

  /** [R1.1] [R4.1] What is said to be saved is in the journal. */
  checkSaved(opened: Opened, saying: string): void {
    if (opened.document.isSetAside) return
    this.journals.look()
    for (const edit of this.edits) {
      const { by } = edit
      if (by.device !== opened.device || by.name !== opened.name || !by.isShared) continue
      if (!opened.own.holds(edit.units) || this.journals.holds(opened.name, edit.units)) continue
      this.complain(`[R1.1] ${opened} says ${saying}, and ${edit.says} of ${by} is not committed`)
    }
  }

  /** [R3.1] What is on the disk and not acknowledged is marked. */
  #checkMarks(device: Device, name: DocumentName): void {
    const copies = [device.stored(name), ...device.setAside(name)]
    for (const copy of copies) {
      if (!copy) continue
      const held = new Coverage()
      for (const row of copy.rows) held.add(row)
      for (const edit of this.edits) {
        const { by, units, position } = edit
        if (by.device !== device || by.name !== name || !held.holds(units)) continue
        this.stored.add(edit)
        if (this.#cleared.has(edit) && !by.isRunning) continue
        // what a tab without a disk made comes to the others from the server
        if (this.journals.holds(name, units) || by.document.status.localStore.kind === 'memory') continue
        const isMarked = (opening: string, position: number | null) => {
          const mark = copy.marks.get(opening)
          return mark !== undefined && position !== null && mark.from <= position && position <= mark.to
        }
        const own = device.openingOf(by.document.doc) ?? ''
        if (isMarked(own, position)) continue
        const written = copy.written.filter(({ update }) => new Coverage().add(update).holds(units))
        // another tab has stored it as an edit of its own, because its author is gone
        if (written.some((write) => isMarked(write.opening, write.position))) continue
        // or has got it by comparison, and its author marks it when it can store it; or from the server
        const isFromServer = this.opened.some((other) => other.device === device && other.fromServer.holds(units))
        if (!written.some(({ opening }) => opening === own) && (by.tab.state !== 'gone' || isFromServer)) continue
        this.complain(`[R3.1] ${edit.says} of ${by} is stored, not committed, and not marked`)
      }
    }
  }
}

/** [R9] Nothing doubles. */
function checkNothingDoubled(numbers: readonly number[], where: string): void {
  if (new Set(numbers).size < numbers.length) throw new Broken(`[R9.2] ${where} has something twice: ${numbers}`)
}
