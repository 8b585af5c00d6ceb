import type { Device, World } from '@tidemark/client/testing'
import { encodeStateAsUpdate } from 'yjs'
import { pageOf } from './browser.ts'
import { Coverage, unitsOf } from './coverage.ts'
import { copiesOn, holdingOf, isOfTwo } from './disk.ts'
import type { Edit, Opened } from './opened.ts'
import { hasFailed, type Promises } from './promises.ts'
import { documents } from './steps.ts'

/** What must be true when everything is well and has been for a while. */
export class Rest {
  readonly #world: World
  readonly #devices: readonly Device[]
  readonly #promises: Promises

  constructor(world: World, devices: readonly Device[], promises: Promises) {
    this.#world = world
    this.#devices = devices
    this.#promises = promises
  }

  check(opened: Opened, here: readonly Opened[]): void {
    const { document, name, device } = opened
    const { status } = document
    const why = status.kind === 'error' ? ` (${status.error.code})` : ''
    if (status.kind !== 'saved') this.#promises.complain(`[C4] ${opened} ends as ${status.kind}${why}`)
    if (status.pendingCount > 0) this.#promises.complain(`[C4] ${opened} ends with ${status.pendingCount} pending`)
    if (opened.owesDrained) this.#promises.complain(`[R4.1] ${opened}: drained was never said`)
    const committed = this.#world.server.committed(name)
    const numbers = String(committed.getArray<number>('numbers').toArray())
    if (String(opened.numbers) !== numbers) {
      this.#promises.complain(`[C4] ${opened} ends with ${opened.numbers}, the server with ${numbers}`)
    }
    const same = here.filter((other) => other.name === name)
    const present = [...document.awareness.getStates().keys()].sort()
    const expected = same.map((other) => other.document.doc.clientID).sort()
    if (String(present) !== String(expected)) {
      this.#promises.complain(`[D1.6] ${opened} sees ${present} present, and there are ${expected}`)
    }
    const shared = same.filter((other) => other.device === device && other.isShared)
    const leaders = shared.filter((other) => other.document.isLeader)
    const isParted = this.#promises.parted.has(device)
    if (shared.length > 0 && leaders.length !== 1 && !isParted)
      this.#promises.complain(`[D1.1] ${opened} has ${leaders.length} leaders`)
  }

  /** [R3.2] What a disk's marks say is pending is counted by a document that is open there. */
  checkCounted(here: readonly Opened[]): void {
    for (const opened of here) {
      // what waits behind a transaction that never ends waits until the page is closed
      if (!opened.isShared || opened.document.pendingCount > 0 || opened.device.indexeddb.isStuck) continue
      for (const copy of copiesOn(opened.device, opened.name)) {
        // a mark that stays too long, because it could not be taken back, costs nothing
        const marked = [...copy.marks].flatMap(([opening, { from, to }]) =>
          this.#promises.isPending(opened.name, opening, from, to) ? [`${opening} ${from}–${to}`] : [],
        )
        if (!copy.isSetAside && marked.length > 0) {
          this.#promises.complain(`[R3.2] ${opened} counts nothing, and marked is ${marked}`)
        }
      }
    }
  }

  /** [R2.4] Nobody is asked once everything is kept. */
  checkQuestions(): void {
    for (const tab of this.#devices.flatMap(({ tabs }) => tabs)) {
      if (!pageOf(tab).asksBeforeClosing) continue
      const isUnkept = this.#promises.edits.some((edit) => edit.by.tab === tab && !this.#isKeptNow(edit))
      const isAlone = this.#promises.opened.some((opened) => opened.tab === tab && this.#isOnlyInPage(opened))
      if (!isUnkept && !isAlone) this.#promises.complain(`[R2.4] closing a tab of ${tab.device} asks in vain`)
    }
  }

  /** On the disk, not only at some time; on the server; or thrown away. */
  #isKeptNow(edit: Edit): boolean {
    const { name, device } = edit.by
    return (
      this.#promises.forgiven.has(edit) ||
      this.#promises.journals.holds(name, edit.units) ||
      copiesOn(device, name).some((copy) => holdingOf(copy).holds(edit.units))
    )
  }

  /** What is pending of it stays in its page for good, as far as that can know. */
  #isOnlyInPage(opened: Opened): boolean {
    const { document, device, name, isClosed, wasAsked } = opened
    const { isSetAside, pendingCount, status } = document
    if (pendingCount === 0) return false
    const isOver = isSetAside || hasFailed(opened, 'epoch-mismatch')
    const isAside = isOver || (isClosed && copiesOn(device, name).some((copy) => copy.isSetAside))
    // what was set aside where there is no disk
    if (isAside && wasAsked) return true
    // what cannot be stored, and of which nobody says any more that it was committed
    if (isClosed) return device.indexeddb.isStuck
    return status.localStore.kind === 'memory' && this.#promises.isStuck(opened)
  }

  /** Who has closed everything holds nothing any more. */
  checkLetGo(): void {
    for (const tab of this.#devices.flatMap(({ tabs }) => tabs)) {
      const { heldStill } = pageOf(tab)
      if (heldStill.length > 0) this.#promises.complain(`[D1.11] a closed client still has ${heldStill.join(', ')}`)
    }
  }

  /** [D1.3] The device has everything; only a tab that died may have taken along what only it could store. */
  checkDisk({ name, device }: Opened): void {
    const copy = copiesOn(device, name).find(({ isSetAside }) => !isSetAside)
    // what two accounts have made in one copy waits for the other one's
    if (copy && isOfTwo(copy)) return
    if (copy?.pendingCount !== 0)
      this.#promises.complain(`[R3.1] ${name} on ${device.name}: ${copy?.pendingCount} marked`)
    if (this.#promises.wiped.has(device)) return
    const held = copy ? holdingOf(copy) : new Coverage()
    const lost = new Set(
      this.#promises.edits.flatMap((edit) => (edit.by.isRunning || this.#promises.stored.has(edit) ? [] : edit.units)),
    )
    const committed = this.#world.server.committed(name)
    // what stands on an edit that is gone with a disk is nobody's to see
    committed.store.pendingStructs = committed.store.pendingDs = null
    const missing = unitsOf(encodeStateAsUpdate(committed)).filter((unit) => !held.holds([unit]) && !lost.has(unit))
    if (missing.length > 0) this.#promises.complain(`[D1.3] ${name} on the disk of ${device.name} lacks ${missing}`)
  }

  /** [R3] Whatever survived is committed, or set aside where its person finds it. */
  checkKept(edit: Edit, why: string): void {
    const { by, units, says } = edit
    if (this.#promises.forgiven.has(edit) || this.#promises.condemned.has(edit)) return
    if (this.#promises.journals.holds(by.name, units)) return
    // also by whoever had it from the server before that was reset
    const copies = this.#devices.flatMap((device) => copiesOn(device, by.name))
    if (copies.some((copy) => (copy.isSetAside || isOfTwo(copy)) && holdingOf(copy).holds(units))) return
    // set aside in memory, where there was no disk, by its opening or one that had it from there: it was there with its tab
    const wasInMemory = this.#promises.opened.some(
      ({ device, name, document, own }) =>
        device === by.device &&
        name === by.name &&
        document.isSetAside &&
        document.status.localStore.kind === 'memory' &&
        own.holds(units),
    )
    if (!wasInMemory) this.#promises.complain(`[R3] ${says} of ${by} ${why}, and is gone`)
  }

  /** [R3.4] A sign-out that says that all is saved is right. */
  checkDrained(device: Device, before: readonly Edit[]): void {
    this.#promises.journals.look()
    for (const name of documents) {
      for (const edit of before) {
        if (edit.by.device !== device || edit.by.name !== name || this.#promises.isForgotten(edit)) continue
        if (!this.#promises.journals.holds(name, edit.units)) {
          this.#promises.complain(`[R3.4] signing out says drained, and ${edit.says} of ${edit.by} is not committed`)
        }
      }
    }
  }
}
