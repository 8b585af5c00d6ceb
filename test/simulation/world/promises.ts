import type { Device, Tab, World } from '@tidemark/client/testing'
import type { ErrorCode } from '@tidemark/shared'
import { accountOf } from './accounts.ts'
import { pageOf } from './browser.ts'
import { Coverage, unitsOf } from './coverage.ts'
import { copiesOn, holdingOf } from './disk.ts'
import { Journals } from './journals.ts'
import type { Edit, Opened } from './opened.ts'
import { type DocumentName, documents } from './steps.ts'

/** A promise of the specification that was not kept. */
export class Broken extends Error {
  override readonly name = 'Broken'
}

/** ms that it may take to store as one's own what a tab that died had told. */
const inheriting = 2_000

/** What must be true after each step, whatever has happened. */
export class Promises {
  readonly opened: Opened[] = []
  readonly edits: Edit[] = []
  readonly journals: Journals
  /** Edits that were on a disk at some time, until that disk was cleared. */
  readonly stored = new Set<Edit>()
  /** Devices whose tabs have a copy that was thrown away: they do not meet those that open the new one. */
  readonly parted = new Set<Device>()
  /** By edit: how many bytes it is, where that is much. */
  readonly large = new Map<Edit, number>()
  /** Devices whose disk was cleared at some time: what others have, too, need not come back to it. */
  readonly wiped = new Set<Device>()
  /** What the person has thrown away together with its device's data. */
  readonly forgiven = new Set<Edit>()
  /** What the person had deleted, though the browser could not say that it was: it may come to that later. */
  readonly condemned = new Set<Edit>()
  /** What the person has set aside before there was any way for it to leave the device. */
  readonly #discarded = new Set<Edit>()
  /** Whose marks went with a disk that was cleared: others bring the edits back, only their own tab the mark. */
  readonly #cleared = new Set<Edit>()
  /** What was asked for and has not come to an end, by what it was. */
  readonly #awaited = new Map<object, { readonly what: string; readonly tab: Tab }>()
  /** When an edit was first found on a disk without a mark, after its author had died. */
  readonly #unmarkedSince = new Map<Edit, number>()
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
    this.wiped.add(device)
    for (const edit of this.edits) {
      if (edit.by.device !== device) continue
      this.stored.delete(edit)
      this.#cleared.add(edit)
    }
  }

  /** What comes to an end in its time, well or not. */
  await(what: string, tab: Tab, work: Promise<unknown>): void {
    const token = {}
    this.#awaited.set(token, { what, tab })
    const over = () => this.#awaited.delete(token)
    work.then(over, over)
  }

  /** There was time enough for everything. */
  checkSettled(): void {
    for (const { what, tab } of this.#awaited.values()) {
      if (tab.state === 'running') this.complain(`[R3.9] ${what} on ${tab.device} has not come to an end`)
    }
  }

  /** The copy was set aside by its person: what had no way out before must not find one now. */
  discard(opened: Opened, before: readonly Edit[]): void {
    if (opened.document.status.localStore.kind === 'memory') return
    for (const edit of before) {
      const isOfThisCopy = edit.by.device === opened.device && edit.by.name === opened.name && edit.by.isOfDisk
      if (isOfThisCopy && !edit.couldTravel && opened.own.holds(edit.units)) this.#discarded.add(edit)
    }
  }

  /** The networks are back: whatever is not set aside by now goes out. */
  everythingTravels(): void {
    for (const edit of this.edits) edit.couldTravel = true
  }

  /** @throws {Broken} */
  check(): void {
    this.journals.look()
    for (const edit of this.edits) if (edit.by.device.network !== 'offline') edit.couldTravel = true
    for (const opened of this.opened) {
      if (!opened.isRunning) continue
      checkNothingDoubled(opened.numbers, opened.toString())
      if (opened.document.status.kind === 'saved') this.checkSaved(opened, 'saved')
    }
    for (const device of this.#devices) for (const name of documents) this.#checkMarks(device, name)
    this.#checkQuestions()
    for (const { by, units, says } of this.#discarded) {
      if (this.journals.holds(by.name, units)) this.complain(`[R9.7] ${says} of ${by} was discarded, and sent`)
    }
    for (const name of documents) this.#checkCommitted(name)
    this.answer()
  }

  /** [R1.1] [R4.1] What is said to be saved is in the journal. */
  checkSaved(opened: Opened, saying: string): void {
    if (opened.document.isSetAside || opened.isClosed) return
    this.journals.look()
    for (const edit of this.edits) {
      const { by } = edit
      if (by.device !== opened.device || by.name !== opened.name) continue
      if (by !== opened && (!by.isShared || by.login.account !== opened.login.account)) continue
      if (!opened.own.holds(edit.units) || this.journals.holds(opened.name, edit.units)) continue
      this.complain(`[R1.1] ${opened} says ${saying}, and ${edit.says} of ${by} is not committed`)
    }
  }

  /** [R3.1] What is on the disk and not acknowledged is marked. */
  #checkMarks(device: Device, name: DocumentName): void {
    for (const copy of copiesOn(device, name)) {
      const held = holdingOf(copy)
      for (const edit of this.edits) {
        const { by, units, position, opening } = edit
        if (by.device !== device || by.name !== name || !held.holds(units)) continue
        this.stored.add(edit)
        if (this.#cleared.has(edit) && !by.isRunning) continue
        // what a tab without a disk made comes to the others from the server
        if (this.journals.holds(name, units) || !by.isOfDisk) continue
        const isMarked = (opening: string | null, position: number | null) => {
          const mark = copy.marks.get(opening ?? '')
          return mark !== undefined && position !== null && mark.from <= position && position <= mark.to
        }
        if (isMarked(opening, position)) continue
        const written = copy.written.filter(({ update }) => new Coverage().add(update).holds(units))
        // another tab has stored it as an edit of its own, because its author is gone
        if (written.some((write) => isMarked(write.opening, write.position))) continue
        // or has got it by comparison, and its author marks it when it can store it; or from the server
        const isFromServer = this.opened.some(
          (other) => other.device === device && other.login.hasReceived(name, units),
        )
        const isByAuthor = written.some((write) => write.opening === opening)
        if (!isByAuthor && (by.tab.state !== 'gone' || isFromServer || by.wasAsked)) continue
        // or its author has just died, and who leads is storing it as an edit of its own
        if (!isByAuthor && this.#isFresh(edit)) continue
        this.complain(`[R3.1] ${edit.says} of ${by} is stored, not committed, and not marked`)
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

  /** [R2.4] Closing asks as long as an edit of the tab is kept nowhere. */
  #checkQuestions(): void {
    for (const edit of this.edits) {
      const { login, document, tab } = edit.by
      // it is being deleted with the device's data
      const isThrownAway = login.isThrowingAway && document.isClosed
      if (tab.state !== 'running' || isThrownAway || this.isKept(edit)) continue
      if (!pageOf(tab).asksBeforeClosing) {
        this.complain(`[R2.4] ${edit.says} of ${edit.by} is kept nowhere, and closing does not ask`)
      }
    }
  }

  /** On the device's disk, or on the server; or it was at some time, and the person has thrown it away. */
  isKept(edit: Edit): boolean {
    return this.isForgotten(edit) || this.stored.has(edit) || this.journals.holds(edit.by.name, edit.units)
  }

  /** The person has thrown it away, with the data of the device. */
  isForgotten(edit: Edit): boolean {
    return this.forgiven.has(edit) || this.#cleared.has(edit)
  }

  /** Has an edit that a mark stands for not been committed? */
  isPending(name: DocumentName, opening: string, from: number, to: number): boolean {
    return this.edits.some(
      (edit) =>
        edit.opening === opening &&
        from <= edit.position &&
        edit.position <= to &&
        !this.journals.holds(name, edit.units),
    )
  }

  /**
   * Pages are closed although they ask (R2.4). Where there is no disk, what no message can carry goes with them, and
   * what another account has made; and where a transaction never ends, whatever waits behind it.
   */
  closePages(): void {
    for (const edit of this.edits) {
      const { tab, device } = edit.by
      if (this.isKept(edit) || !pageOf(tab).asksBeforeClosing) continue
      // also of an opening before this one, which handed on what it could not keep
      const isOnlyInPage = this.opened.some(
        (opened) =>
          opened.tab === tab && !opened.isClosed && opened.own.holds(edit.units) && this.#isOnlyInPage(opened),
      )
      if (isOnlyInPage || device.indexeddb.isStuck) this.forgiven.add(edit)
    }
  }

  #isOnlyInPage(opened: Opened): boolean {
    if (opened.document.status.localStore.kind !== 'memory') return false
    return this.isStuck(opened) || hasFailed(opened, 'account-mismatch')
  }

  /** There is something in it that no message can carry. */
  isStuck(opened: Opened): boolean {
    return [...this.large].some(
      ([{ by, units }, bytes]) =>
        bytes > this.#world.server.maxMessageBytes &&
        by.name === opened.name &&
        opened.own.holds(units) &&
        !this.journals.holds(by.name, units),
    )
  }

  /** Behind a transaction that never ends no copy can be set aside; until it is, nothing is sent (R9.2). */
  isHeldUp(opened: Opened): boolean {
    return opened.device.indexeddb.isStuck && hasFailed(opened, 'epoch-mismatch')
  }

  /** [D3.6] [R9] No edit goes out under another account's token, and none twice. */
  #checkCommitted(name: DocumentName): void {
    const rows = this.journals.fresh(name)
    if (rows.length === 0) return
    const committed = this.#world.server.committed(name).getArray<number>('numbers').toArray()
    checkNothingDoubled(committed, `the server's ${name}`)
    for (const { update, token } of rows) {
      const account = accountOf(token)
      const units = new Set(unitsOf(update))
      for (const edit of this.edits) {
        if (edit.by.name !== name || edit.by.login.account === account || !edit.isOwned) continue
        if (!edit.units.every((unit) => units.has(unit))) continue
        // whoever has it from the server brings it back when that has lost it
        const isKnown = this.opened.some(
          (other) => other.login.account === account && other.login.hasReceived(name, edit.units),
        )
        if (!isKnown) this.complain(`[D3.6] ${edit.says} of ${edit.by.login.account} went out for ${account}`)
      }
    }
  }
}

/** Does its status say so? */
export function hasFailed({ document: { status } }: Opened, code: ErrorCode): boolean {
  return status.kind === 'error' && status.error.code === code
}

/** [R9] Nothing doubles. */
function checkNothingDoubled(numbers: readonly number[], where: string): void {
  if (new Set(numbers).size < numbers.length) throw new Broken(`[R9.2] ${where} has something twice: ${numbers}`)
}
