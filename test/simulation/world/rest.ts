import type { Device, World } from '@tidemark/client/testing'
import { encodeStateAsUpdate } from 'yjs'
import { Coverage, unitsOf } from './coverage.ts'
import type { Edit, Opened } from './opened.ts'
import type { Promises } from './promises.ts'

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
    if (status.kind !== 'saved') this.#promises.complain(`${opened} ends as ${status.kind}`)
    if (status.pendingCount > 0) this.#promises.complain(`${opened} ends with ${status.pendingCount} pending`)
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

  /** [D1.3] The device has everything; only a tab that died may have taken along what only it could store. */
  checkDisk({ name, device }: Opened): void {
    const stored = device.stored(name)
    if (stored?.pendingCount !== 0)
      this.#promises.complain(`[R3.1] ${name} on ${device.name}: ${stored?.pendingCount} marked`)
    const held = new Coverage()
    for (const row of stored?.rows ?? []) held.add(row)
    const lost = new Set(
      this.#promises.edits.flatMap((edit) => (edit.by.isRunning || this.#promises.stored.has(edit) ? [] : edit.units)),
    )
    const missing = unitsOf(encodeStateAsUpdate(this.#world.server.committed(name))).filter(
      (unit) => !held.holds([unit]) && !lost.has(unit),
    )
    if (missing.length > 0) this.#promises.complain(`[D1.3] ${name} on the disk of ${device.name} lacks ${missing}`)
  }

  /** [R3] Whatever survived is committed, or set aside where its person finds it. */
  checkKept({ by, units, says }: Edit, why: string): void {
    if (this.#promises.journals.holds(by.name, units)) return
    // also by whoever had it from the server before that was reset
    const copies = this.#devices.flatMap((device) => device.setAside(by.name))
    const isSetAside = copies.some(({ rows }) => {
      const held = new Coverage()
      for (const row of rows) held.add(row)
      return held.holds(units)
    })
    // set aside in memory, where there was no disk: it was there for as long as its tab
    const wasInMemory = by.document.isSetAside && by.document.status.localStore.kind === 'memory'
    if (!isSetAside && !wasInMemory) this.#promises.complain(`[R3] ${says} of ${by} ${why}, and is gone`)
  }
}
