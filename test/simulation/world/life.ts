import { createWorld, type Device, type Tab, type World } from '@tidemark/client/testing'
import { type Account, Accounts, accounts } from './accounts.ts'
import { within } from './browser.ts'
import { tripDisk } from './disk.ts'
import { type Habits, Login } from './login.ts'
import type { Edit } from './opened.ts'
import { People } from './people.ts'
import { Promises } from './promises.ts'
import { Rest } from './rest.ts'
import { documents, type Step } from './steps.ts'

const deviceCount = 2
const goodDisk = { least: 0, most: 8 }

type Disturbance = Exclude<Extract<Step, { device: number }>['does'], 'open tab' | 'trip disk'>

const disturbances: { readonly [does in Disturbance]: (device: Device) => void } = {
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
  'close databases': (device) => device.indexeddb.closeAll(),
  'stall locks': (device) => device.stallLocks(),
  'answer locks': (device) => device.answerLocks(),
  'crash browser': (device) => {
    for (const tab of device.tabs) tab.crash()
  },
  'good disk': (device) => {
    device.healStore()
    device.delayStore(goodDisk)
  },
}

/** What a life is like from its begin, by its seed alone. */
function habitsOf(world: World): Habits & { readonly isShort: boolean } {
  const isSo = () => world.device('device 1').openTab().clock.random() < 0.3
  return { isEncrypted: isSo(), isForgetful: isSo(), isPatient: isSo(), isShort: isSo() }
}

/** Several devices with several tabs, what happens to them, and whether every promise is kept after each step. */
export class Life {
  readonly world: World
  readonly #devices: readonly Device[]
  readonly #promises: Promises
  readonly #rest: Rest
  readonly #people: People
  readonly #accounts = new Accounts()
  readonly #habits: Habits
  readonly #logins: Login[] = []
  #nextAccount: Account = accounts[0]

  constructor(seed: number) {
    this.world = createWorld({
      seed,
      latency: { least: 1, most: 40 },
      channelLatency: { least: 0, most: 4 },
      diskDelay: goodDisk,
      authorise: this.#accounts.authorise,
      within,
    })
    const habits = habitsOf(this.world)
    this.#habits = habits
    if (habits.isShort) this.world.server.maxMessageBytes = 16_000
    for (const { tabs } of this.world.devices) for (const tab of tabs) tab.crash()
    this.#devices = Array.from({ length: deviceCount }, (_, index) => this.world.device(`device ${index + 1}`))
    this.#promises = new Promises(this.world, this.#devices)
    this.#rest = new Rest(this.world, this.#devices, this.#promises)
    this.#people = new People(this.#promises, this.#rest)
  }

  /** @throws {Broken} */
  async live(steps: readonly Step[]): Promise<void> {
    for (const device of this.#devices) this.#openTab(device, { visible: true })
    await this.world.advanceTime(30)
    for (const step of steps) {
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
      case 'open tab':
        this.#openTab(this.#device(step.device), { visible: step.isVisible, prerendered: step.isPrerendered })
        return
      case 'hide':
      case 'show':
      case 'freeze':
      case 'resume':
      case 'crash':
      case 'close':
      case 'activate':
        this.#tab(step.tab)?.[step.does]()
        return
      case 'sign in':
      case 'second client': {
        const tab = this.#tab(step.tab)
        if (tab?.state !== 'running') return
        const isIn = this.#logins.some((login) => login.tab === tab && !login.isOver)
        if (isIn === (step.does === 'second client')) this.#logIn(tab, step.isOther)
        return
      }
      case 'sign out':
      case 'close client':
      case 'catch up': {
        const login = this.#login(step.tab)
        if (login) this.#people.ofClient(login, step)
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
      case 'expire tokens':
        this.#accounts.expire()
        world.server.requestTokens()
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
      case 'trip disk':
        tripDisk(this.#device(step.device), step.after, step.outcome)
        return
      default:
        if ('device' in step) this.#disturb(this.#device(step.device), step.does)
        else {
          const login = this.#login(step.tab)
          if (login) this.#people.ofDocument(login, step)
        }
    }
  }

  #disturb(device: Device, does: Disturbance): void {
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

  #login(number: number): Login | undefined {
    const here = this.#logins.filter(({ tab, isOver }) => tab.state === 'running' && !isOver)
    return here[number % here.length]
  }

  #openTab(device: Device, how: { readonly visible: boolean; readonly prerendered?: boolean }): void {
    if (device.tabs.length >= 4) return
    this.#logIn(device.openTab(how), false)
  }

  /** @param isOther for the other account from now on */
  #logIn(tab: Tab, isOther: boolean): void {
    if (isOther) this.#nextAccount = this.#nextAccount === accounts[0] ? accounts[1] : accounts[0]
    const device = this.world.device(tab.device)
    tab.run(() => {
      const login = new Login({ device, tab }, this.#nextAccount, this.#accounts, this.#habits)
      this.#logins.push(login)
      for (const name of documents) this.#people.open(login, name)
    })
  }

  // ——— the end ———

  async #end(): Promise<void> {
    const { world } = this
    const ofTheLiving = this.#promises.edits.filter((edit) => this.#isHeldByTheLiving(edit))
    this.#heal()
    await world.advanceTime(100_000)
    for (const login of this.#logins) {
      if (!login.isOver && login.tab.state === 'running') for (const name of documents) this.#people.open(login, name)
    }
    await this.#comeToRest()
    this.#promises.closePages()
    // what only a disk holds comes with the next opening
    for (const tab of this.#devices.flatMap(({ tabs }) => tabs)) tab.close()
    this.#promises.parted.clear()
    // what was too large for it before
    world.server.maxMessageBytes = 16 * 1024 * 1024
    const isMixed = this.#isMixed
    for (const account of isMixed ? accounts : [accounts[0]]) await this.#comeBack(account)
    for (const edit of ofTheLiving) this.#rest.checkKept(edit, 'was in a tab that lived on')
    for (const edit of this.#promises.stored) this.#rest.checkKept(edit, 'was stored')
    this.#promises.answer()
  }

  #isHeldByTheLiving(edit: Edit): boolean {
    return this.#promises.opened.some(
      (opened) =>
        opened.tab.state !== 'gone' && !opened.isClosed && opened.name === edit.by.name && opened.holds(edit.units),
    )
  }

  /** Everybody opens everything for one account, comes to rest, and closes it. */
  async #comeBack(account: Account): Promise<void> {
    this.#nextAccount = account
    for (const device of this.#devices) for (const visible of [true, false]) this.#openTab(device, { visible })
    const here = await this.#comeToRest()
    const isLast = !this.#isMixed || account === accounts.at(-1)
    if (isLast) for (const opened of here) this.#rest.checkDisk(opened)
    for (const login of this.#logins) {
      if (login.isOver || login.tab.state !== 'running') continue
      this.#people.ofClient(login, { does: 'close client', tab: 0 })
    }
    await this.world.advanceTime(30_000)
    this.#promises.checkSettled()
    this.#rest.checkLetGo()
    this.#promises.answer()
    for (const tab of this.#devices.flatMap(({ tabs }) => tabs)) tab.close()
  }

  /** Everything is well, and there is time: all must come to the same. */
  async #comeToRest() {
    const { world } = this
    await world.advanceTime(100_000)
    this.#promises.check()
    const here = this.#promises.opened.filter(
      (opened) => opened.isRunning && !opened.document.isSetAside && !this.#promises.isHeldUp(opened),
    )
    this.#promises.checkSettled()
    // what is another account's waits for it
    if (this.#isMixed) return here
    for (const opened of here) if (!this.#promises.isStuck(opened)) this.#rest.check(opened, here)
    this.#rest.checkCounted(here)
    this.#rest.checkQuestions()
    this.#promises.answer()
    return here
  }

  get #isMixed(): boolean {
    return this.#logins.some(({ account }) => account !== accounts[0])
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
      device.answerLocks()
      disturbances['good disk'](device)
      for (const tab of device.tabs) {
        tab.activate()
        tab.resume()
      }
    }
    this.#promises.everythingTravels()
    for (const opened of this.#promises.opened) opened.sendAll()
  }
}
