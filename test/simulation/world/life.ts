import { createWorld, type Device, type Tab, type World } from '@tidemark/client/testing'
import { encodeStateAsUpdate } from 'yjs'
import { Coverage, unitsOf } from './coverage.ts'
import { Journals } from './journals.ts'
import { type Edit, Opened } from './opened.ts'
import { type DocumentName, documents, type Step } from './steps.ts'

/** A promise of the specification that was not kept. */
export class Broken extends Error {
  override readonly name = 'Broken'
}

/** For whoever wants to see what happens. */
export interface Watcher {
  step(step: Step): void
  opened(opened: Opened): void
}

const deviceCount = 3
const goodDisk = { least: 1, most: 12 }

const disturbances: {
  readonly [does in Exclude<Extract<Step, { device: number }>['does'], 'open tab'>]: (device: Device) => void
} = {
  offline: (device) => device.goOffline(),
  online: (device) => device.goOnline(),
  partition: (device) => device.partition(),
  heal: (device) => device.heal(),
  cut: (device) => device.cutConnections(),
  sleep: (device) => device.sleep(),
  wake: (device) => device.wake(),
  'full disk': (device) => device.failStore('full'),
  'broken disk': (device) => device.failStore('broken'),
  'slow disk': (device) => device.delayStore({ least: 300, most: 2_000 }),
  'clear disk': (device) => device.clearStorage(),
  'good disk': (device) => {
    device.healStore()
    device.delayStore(goodDisk)
  },
}

/** Several devices with several tabs, what happens to them, and whether every promise is kept after each step. */
export class Life {
  readonly world: World
  readonly #devices: readonly Device[]
  readonly #opened: Opened[] = []
  readonly #edits: Edit[] = []
  readonly #journals: Journals
  /** Edits that were on a disk at some time, until that disk was cleared. */
  readonly #stored = new Set<Edit>()
  readonly #clients = new Map<Tab, ReturnType<Tab['createClient']>>()
  #numbers = 0
  #trouble: string | null = null
  readonly #watcher: Watcher | null

  constructor(seed: number, watcher: Watcher | null = null) {
    this.#watcher = watcher
    this.world = createWorld({
      seed,
      latency: { least: 1, most: 40 },
      channelLatency: { least: 0, most: 4 },
      diskDelay: goodDisk,
    })
    this.#journals = new Journals(this.world.server)
    this.#devices = Array.from({ length: deviceCount }, (_, index) => this.world.device(`device ${index + 1}`))
  }

  /** @throws {Broken} */
  async live(steps: readonly Step[]): Promise<void> {
    for (const device of this.#devices) this.#openTab(device, true)
    await this.world.advanceTime(30)
    for (const step of steps) {
      this.#watcher?.step(step)
      await this.#perform(step)
      this.#check()
    }
    await this.#end()
  }

  close(): void {
    this.world.close()
  }

  // ——— what happens ———

  async #perform(step: Step): Promise<void> {
    const { world } = this
    switch (step.does) {
      case 'insert':
      case 'delete':
        this.#edit(step)
        return
      case 'open tab':
        this.#openTab(this.#device(step.device), step.isVisible)
        return
      case 'hide':
      case 'show':
      case 'freeze':
      case 'resume':
      case 'crash':
      case 'close':
        this.#tab(step.tab)?.[step.does]()
        return
      case 'close document':
        this.#closeDocument(this.#find(step.tab, step.document))
        return
      case 'reopen document': {
        const tab = this.#tab(step.tab)
        if (tab?.state === 'running') this.#open(tab, step.document)
        return
      }
      case 'kill server':
        world.server.kill()
        return
      case 'start server':
        world.server.start()
        return
      case 'fail storage':
        world.server.failStore()
        return
      case 'heal storage':
        world.server.healStore()
        return
      case 'drop sockets':
        world.server.dropSockets()
        return
      case 'delay acks':
        world.delayAcks(step.ms)
        return
      case 'wait':
        return world.advanceTime(step.ms)
      case 'jump clock':
        world.jumpClock(step.ms)
        return
      case 'reset document':
        this.#journals.look()
        world.server.resetDocument(step.document)
        this.#journals.begin(step.document)
        return
      default:
        this.#disturb(this.#device(step.device), step.does)
    }
  }

  #disturb(device: Device, does: keyof typeof disturbances): void {
    if (does === 'clear disk') {
      for (const edit of this.#stored) if (edit.by.device === device) this.#stored.delete(edit)
    }
    disturbances[does](device)
  }

  #device(number: number): Device {
    return this.#devices[number % this.#devices.length]!
  }

  #tab(number: number): Tab | undefined {
    const tabs = this.#devices.flatMap((device) => device.tabs)
    return tabs[number % tabs.length]
  }

  #find(tab: number, name: DocumentName): Opened | undefined {
    const found = this.#tab(tab)
    return this.#opened.find((opened) => opened.tab === found && opened.name === name && opened.isRunning)
  }

  #openTab(device: Device, isVisible: boolean): void {
    if (device.tabs.length >= 4) return
    const tab = device.openTab({ visible: isVisible })
    this.#clients.set(tab, tab.createClient())
    for (const name of documents) this.#open(tab, name)
  }

  #open(tab: Tab, name: DocumentName): void {
    const document = this.#clients.get(tab)!.open(name)
    if (this.#opened.some((opened) => opened.document === document)) return
    const device = this.world.device(tab.device)
    const opened = new Opened({ name, device, tab }, document, {
      saved: (opened, saying) => this.#checkSaved(opened, saying),
      trouble: (what) => this.#complain(what),
    })
    this.#opened.push(opened)
    this.#watcher?.opened(opened)
  }

  #closeDocument(opened: Opened | undefined): void {
    if (!opened) return
    opened.isClosed = true
    void opened.document.close()
  }

  #edit({ does, tab, document, at }: Extract<Step, { at: number }>): void {
    const opened = this.#find(tab, document)
    if (!opened) return
    const numbers = opened.document.doc.getArray<number>('numbers')
    const index = numbers.length === 0 ? 0 : at % numbers.length
    let edit: Edit | null
    if (does === 'delete') {
      if (numbers.length === 0) return
      edit = opened.edit(`-${numbers.get(index)}`, () => numbers.delete(index))
    } else {
      const number = ++this.#numbers
      edit = opened.edit(`+${number}`, () => numbers.insert(index, [number]))
    }
    if (edit) this.#edits.push(edit)
  }

  // ——— what must be true after each step ———

  #complain(what: string): void {
    this.#trouble ??= what
  }

  #check(): void {
    this.#journals.look()
    for (const opened of this.#opened) {
      if (!opened.isRunning) continue
      checkNothingDoubled(opened.numbers, opened.toString())
      if (opened.document.status.kind === 'saved') this.#checkSaved(opened, 'saved')
    }
    for (const name of documents) {
      const committed = this.world.server.committed(name).getArray<number>('numbers').toArray()
      checkNothingDoubled(committed, `the server's ${name}`)
    }
    for (const device of this.#devices) for (const name of documents) this.#checkMarks(device, name)
    if (this.#trouble) throw new Broken(this.#trouble)
  }

  /** [R1.1] [R4.1] What is said to be saved is in the journal. */
  #checkSaved(opened: Opened, saying: string): void {
    if (opened.document.isSetAside) return
    this.#journals.look()
    for (const edit of this.#edits) {
      const { by } = edit
      if (by.device !== opened.device || by.name !== opened.name || !by.isShared) continue
      if (!opened.own.holds(edit.units) || this.#journals.holds(opened.name, edit.units)) continue
      this.#complain(`[R1.1] ${opened} says ${saying}, and ${edit.says} of ${by} is not committed`)
    }
  }

  /** [R3.1] What is on the disk and not acknowledged is marked. */
  #checkMarks(device: Device, name: DocumentName): void {
    const copies = [device.stored(name), ...device.setAside(name)]
    for (const copy of copies) {
      if (!copy) continue
      const held = new Coverage()
      for (const row of copy.rows) held.add(row)
      for (const edit of this.#edits) {
        const { by, units, position } = edit
        if (by.device !== device || by.name !== name || !held.holds(units)) continue
        this.#stored.add(edit)
        // what a tab without a disk made comes to the others from the server
        if (this.#journals.holds(name, units) || by.document.status.localStore.kind === 'memory') continue
        const isMarked = (opening: string, position: number | null) => {
          const mark = copy.marks.get(opening)
          return mark !== undefined && position !== null && mark.from <= position && position <= mark.to
        }
        if (isMarked(device.openingOf(by.document.doc) ?? '', position)) continue
        // another tab has stored it, as an edit of its own, because its author is gone
        const others = copy.written.filter(({ update }) => new Coverage().add(update).holds(units))
        if (others.some((written) => isMarked(written.opening, written.position))) continue
        this.#complain(`[R3.1] ${edit.says} of ${by} is stored, not committed, and not marked`)
      }
    }
  }

  // ——— the end ———

  async #end(): Promise<void> {
    const { world } = this
    const heldByTheLiving = this.#edits.filter(({ units, by }) =>
      this.#opened.some(
        (opened) =>
          opened.tab.state !== 'gone' &&
          !opened.isClosed &&
          opened.name === by.name &&
          new Coverage().add(stateOf(opened)).holds(units),
      ),
    )
    this.#heal()
    await world.advanceTime(100_000)
    for (const tab of this.#devices.flatMap(({ tabs }) => tabs)) for (const name of documents) this.#open(tab, name)
    await this.#rest()
    // what only a disk holds comes with the next opening
    for (const tab of this.#devices.flatMap(({ tabs }) => tabs)) tab.close()
    for (const device of this.#devices) for (const isVisible of [true, false]) this.#openTab(device, isVisible)
    const here = await this.#rest()
    for (const opened of here) this.#checkDisk(opened)
    for (const edit of heldByTheLiving) this.#checkKept(edit, 'was in a tab that lived on')
    for (const edit of this.#stored) this.#checkKept(edit, 'was stored')
    if (this.#trouble) throw new Broken(this.#trouble)
  }

  /** Everything is well, and there is time: all must come to the same. */
  async #rest(): Promise<readonly Opened[]> {
    await this.world.advanceTime(100_000)
    this.#check()
    const here = this.#opened.filter((opened) => opened.isRunning && !opened.document.isSetAside)
    for (const opened of here) this.#checkAtRest(opened, here)
    if (this.#trouble) throw new Broken(this.#trouble)
    return here
  }

  #heal(): void {
    const { world } = this
    world.server.start()
    world.server.healStore()
    world.delayAcks(1)
    for (const device of this.#devices) {
      device.goOnline()
      device.heal()
      device.wake()
      disturbances['good disk'](device)
      for (const tab of device.tabs) tab.resume()
    }
  }

  #checkAtRest(opened: Opened, here: readonly Opened[]): void {
    const { document, name, device } = opened
    const { status } = document
    if (status.kind !== 'saved') this.#complain(`${opened} ends as ${status.kind}`)
    if (status.pendingCount > 0) this.#complain(`${opened} ends with ${status.pendingCount} pending`)
    if (opened.owesDrained) this.#complain(`[R4.1] ${opened}: drained was never said`)
    const committed = this.world.server.committed(name)
    const numbers = String(committed.getArray<number>('numbers').toArray())
    if (String(opened.numbers) !== numbers) {
      this.#complain(`[C4] ${opened} ends with ${opened.numbers}, the server with ${numbers}`)
    }
    const same = here.filter((other) => other.name === name)
    const present = [...document.awareness.getStates().keys()].sort()
    const expected = same.map((other) => other.document.doc.clientID).sort()
    if (String(present) !== String(expected)) {
      this.#complain(`[D1.6] ${opened} sees ${present} present, and there are ${expected}`)
    }
    const shared = same.filter((other) => other.device === device && other.isShared)
    const leaders = shared.filter((other) => other.document.isLeader)
    if (shared.length > 0 && leaders.length !== 1) this.#complain(`[D1.1] ${opened} has ${leaders.length} leaders`)
  }

  /** [D1.3] The device has everything; only a tab that died may have taken along what only it could store. */
  #checkDisk({ name, device }: Opened): void {
    const stored = device.stored(name)
    if (stored?.pendingCount !== 0) this.#complain(`[R3.1] ${name} on ${device.name}: ${stored?.pendingCount} marked`)
    const held = new Coverage()
    for (const row of stored?.rows ?? []) held.add(row)
    const lost = new Set(this.#edits.flatMap((edit) => (edit.by.isRunning || this.#stored.has(edit) ? [] : edit.units)))
    const missing = unitsOf(encodeStateAsUpdate(this.world.server.committed(name))).filter(
      (unit) => !held.holds([unit]) && !lost.has(unit),
    )
    if (missing.length > 0) this.#complain(`[D1.3] ${name} on the disk of ${device.name} lacks ${missing}`)
  }

  /** [R3] Whatever survived is committed, or set aside where its person finds it. */
  #checkKept({ by, units, says }: Edit, why: string): void {
    if (this.#journals.holds(by.name, units)) return
    // also by whoever had it from the server before that was reset
    const copies = this.#devices.flatMap((device) => device.setAside(by.name))
    const isSetAside = copies.some(({ rows }) => {
      const held = new Coverage()
      for (const row of rows) held.add(row)
      return held.holds(units)
    })
    // set aside in memory, where there was no disk: it was there for as long as its tab
    const wasInMemory = by.document.isSetAside && by.document.status.localStore.kind === 'memory'
    if (!isSetAside && !wasInMemory) this.#complain(`[R3] ${says} of ${by} ${why}, and is gone`)
  }
}

function stateOf({ document }: Opened): Uint8Array {
  return encodeStateAsUpdate(document.doc)
}

/** [R9] Nothing doubles. */
function checkNothingDoubled(numbers: readonly number[], where: string): void {
  if (new Set(numbers).size < numbers.length) throw new Broken(`[R9.2] ${where} has something twice: ${numbers}`)
}
