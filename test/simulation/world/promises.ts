import type { Device, Tab, World } from '@tidemark/client/testing'
import type { ErrorCode } from '@tidemark/shared'
import { accountOf } from './accounts.ts'
import { pageOf } from './browser.ts'
import { unitsOf } from './coverage.ts'
import { Journals } from './journals.ts'
import { Marks } from './marks.ts'
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
  /** What its author's account has sent. */
  readonly #delivered = new Set<Edit>()
  /** What was asked for and has not come to an end, by what it was. */
  readonly #awaited = new Map<object, { readonly what: string; readonly tab: Tab }>()
  readonly #world: World
  readonly #devices: readonly Device[]
  readonly #marks: Marks
  #trouble: string | null = null

  constructor(world: World, devices: readonly Device[]) {
    this.#world = world
    this.#devices = devices
    this.journals = new Journals(world.server)
    this.#marks = new Marks(world, this)
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

  /** Only its own tab can bring the mark back: its disk was cleared. */
  hasLostMark(edit: Edit): boolean {
    return this.#cleared.has(edit) && !edit.by.isRunning
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

  /** Its app opens the document with the `Y.Doc` of before, and so brings what was set aside. */
  bringBack(opened: Opened): void {
    for (const edit of this.#discarded) if (opened.holds(edit.units)) this.#discarded.delete(edit)
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
    for (const device of this.#devices) for (const name of documents) this.#marks.check(device, name)
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

  /**
   * Has an edit that a mark stands for not been committed? Of one that was made in a tab that was disconnected, and died,
   * nobody hears before the next connection.
   */
  isPending(name: DocumentName, opening: string, from: number, to: number): boolean {
    return this.edits.some(
      (edit) =>
        edit.opening === opening &&
        from <= edit.position &&
        edit.position <= to &&
        !edit.by.diedDisconnected &&
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

  /** There is something in it that no message can carry, or that stands on what went with a disk that was cleared. */
  isStuck(opened: Opened): boolean {
    if (this.wiped.has(opened.device) && opened.document.doc.store.pendingStructs) return true
    return [...this.large].some(
      ([{ by, units }, bytes]) =>
        bytes > this.#world.server.maxMessageBytes &&
        by.name === opened.name &&
        // it may have waited in the document until the server sent what it stands on
        opened.holds(units) &&
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
        if (edit.by.name !== name || !edit.isOwned) continue
        if (!edit.units.every((unit) => units.has(unit))) continue
        if (edit.by.login.account === account) this.#delivered.add(edit)
        // what waits on the server for something that is missing comes back from whoever is told of it
        if (this.#delivered.has(edit)) continue
        // whoever has it from the server brings it back when that has lost it
        const isKnown = this.opened.some(
          (other) => other.login.account === account && other.login.hasReceived(name, edit.units),
        )
        // two people delete the same
        const isOwn = this.edits.some(
          (own) => own.by.login.account === account && edit.units.every((unit) => own.units.includes(unit)),
        )
        if (!isKnown && !isOwn) this.complain(`[D3.6] ${edit.says} of ${edit.by.login.account} went out for ${account}`)
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
