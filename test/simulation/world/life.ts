import { createWorld, type Device, type Tab, type World } from '@tidemark/client/testing'
import { encodeStateAsUpdate } from 'yjs'
import { Coverage } from './coverage.ts'
import { type Edit, Opened } from './opened.ts'
import { Promises } from './promises.ts'
import { Rest } from './rest.ts'
import { type DocumentName, documents, type Step } from './steps.ts'

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
  readonly #promises: Promises
  readonly #rest: Rest
  readonly #clients = new Map<Tab, ReturnType<Tab['createClient']>>()
  #numbers = 0
  readonly #watcher: Watcher | null

  constructor(seed: number, watcher: Watcher | null = null) {
    this.#watcher = watcher
    this.world = createWorld({
      seed,
      latency: { least: 1, most: 40 },
      channelLatency: { least: 0, most: 4 },
      diskDelay: goodDisk,
    })
    this.#devices = Array.from({ length: deviceCount }, (_, index) => this.world.device(`device ${index + 1}`))
    this.#promises = new Promises(this.world, this.#devices)
    this.#rest = new Rest(this.world, this.#devices, this.#promises)
  }

  /** @throws {Broken} */
  async live(steps: readonly Step[]): Promise<void> {
    for (const device of this.#devices) this.#openTab(device, true)
    await this.world.advanceTime(30)
    for (const step of steps) {
      this.#watcher?.step(step)
      await this.#perform(step)
      this.#promises.check()
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
        this.#promises.journals.look()
        world.server.resetDocument(step.document)
        this.#promises.journals.begin(step.document)
        return
      default:
        this.#disturb(this.#device(step.device), step.does)
    }
  }

  #disturb(device: Device, does: keyof typeof disturbances): void {
    if (does === 'clear disk') this.#promises.clear(device)
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
    return this.#promises.opened.find((opened) => opened.tab === found && opened.name === name && opened.isRunning)
  }

  #openTab(device: Device, isVisible: boolean): void {
    if (device.tabs.length >= 4) return
    const tab = device.openTab({ visible: isVisible })
    this.#clients.set(tab, tab.createClient())
    for (const name of documents) this.#open(tab, name)
  }

  #open(tab: Tab, name: DocumentName): void {
    const document = this.#clients.get(tab)!.open(name)
    if (this.#promises.opened.some((opened) => opened.document === document)) return
    const device = this.world.device(tab.device)
    const opened = new Opened({ name, device, tab }, document, {
      saved: (opened, saying) => this.#promises.checkSaved(opened, saying),
      trouble: (what) => this.#promises.complain(what),
    })
    this.#promises.opened.push(opened)
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
    if (edit) this.#promises.edits.push(edit)
  }

  // ——— the end ———

  async #end(): Promise<void> {
    const { world } = this
    const heldByTheLiving = this.#promises.edits.filter(({ units, by }) =>
      this.#promises.opened.some(
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
    await this.#comeToRest()
    // what only a disk holds comes with the next opening
    for (const tab of this.#devices.flatMap(({ tabs }) => tabs)) tab.close()
    this.#promises.parted.clear()
    for (const device of this.#devices) for (const isVisible of [true, false]) this.#openTab(device, isVisible)
    const here = await this.#comeToRest()
    for (const opened of here) this.#rest.checkDisk(opened)
    for (const edit of heldByTheLiving) this.#rest.checkKept(edit, 'was in a tab that lived on')
    for (const edit of this.#promises.stored) this.#rest.checkKept(edit, 'was stored')
    this.#promises.answer()
  }

  /** Everything is well, and there is time: all must come to the same. */
  async #comeToRest(): Promise<readonly Opened[]> {
    await this.world.advanceTime(100_000)
    this.#promises.check()
    const here = this.#promises.opened.filter((opened) => opened.isRunning && !opened.document.isSetAside)
    for (const opened of here) this.#rest.check(opened, here)
    this.#promises.answer()
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
}

function stateOf({ document }: Opened): Uint8Array {
  return encodeStateAsUpdate(document.doc)
}
