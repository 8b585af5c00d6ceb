import { Timeline } from '../../../client/src/testing/timeline.ts'
import { Random } from '../../helpers/random.ts'
import { Damages } from './damages.ts'
import { change, disturb } from './happenings.ts'
import { Node, shutdownMs } from './node.ts'
import { Promises } from './promises.ts'
import { differencesWhenLoaded, lackedInMemory } from './shown.ts'
import { type DocumentName, documents, nodes, type Step, writers } from './steps.ts'
import { Storage } from './storage/storage.ts'
import { Writer } from './writer.ts'

const jumps = [-3_600_000, -5_000, 5_000, 86_400_000]

/** Servers on one database with writers, what happens to them, and whether every promise is kept after each step. */
export class Life {
  readonly timeline = new Timeline()
  readonly storage: Storage
  readonly nodes: (Node | null)[] = []
  readonly writers: Writer[]
  readonly promises: Promises
  readonly #random: Random
  readonly #damages = new Damages()
  #jumped = 0

  constructor(seed: number) {
    this.#random = new Random(seed)
    this.promises = new Promises(this.timeline, () => this.storage)
    this.storage = new Storage(this.timeline, this.#random, {
      ran: (...told) => this.promises.ran(...told),
      tried: (...told) => this.promises.restraint.tried(...told),
      unknown: (statement) => this.promises.complain(`the simulated database does not know ${statement}`),
    })
    this.nodes = Array.from({ length: nodes }, () => null)
    const world = { timeline: this.timeline, random: this.#random, node: (place: number) => this.#node(place) }
    this.writers = Array.from({ length: writers }, (_, number) => {
      return new Writer({ number, kind: number % 2 === 0 ? 'tidemark' : 'stock' }, world, {
        wrote: (...told) => this.promises.wrote(...told),
        acknowledged: (...told) => this.promises.acknowledged(...told),
        refused: (...told) => this.promises.refused(...told),
        saved: (...told) => this.promises.saved(...told),
        trouble: (what) => this.promises.complain(what),
      })
    })
    this.promises.writers.push(...this.writers)
  }

  /** @throws {Broken} */
  async live(steps: readonly Step[]): Promise<void> {
    this.#start(0)
    for (const writer of this.writers) {
      // all on the first server, until they move or it goes
      writer.place = 0
      writer.open(writer === this.writers[3] ? 'notes' : 'plan')
    }
    await this.#advance(50)
    for (const step of steps) {
      await this.#perform(step)
      this.promises.check()
    }
    await this.#end()
  }

  async #advance(ms: number): Promise<void> {
    const end = this.timeline.time + ms
    do {
      await this.timeline.advance(Math.min(500, end - this.timeline.time))
      this.promises.check()
    } while (this.timeline.time < end)
  }

  async #perform(step: Step): Promise<void> {
    const { troubles } = this.storage
    switch (step.does) {
      case 'wait':
        return this.#advance(step.ms)
      case 'write':
      case 'write much':
      case 'overwrite':
      case 'delete':
      case 'write ahead':
      case 'begin paragraph':
      case 'write in paragraph':
      case 'delete paragraph':
        this.#write(this.#writer(step.writer), step.document, step.does)
        return
      case 'write nonsense':
        this.#writer(step.writer).writeNonsense(step.document)
        return
      case 'type on':
        this.#typeOn(this.#writer(step.writer), step.document, step.edits)
        return
      case 'storm':
        for (const writer of this.writers) this.#storm(writer, this.timeline.time + 20 * step.number)
        return
      case 'all write':
        for (const writer of this.writers) for (const name of writer.replicas.keys()) this.#write(writer, name, 'write')
        return
      case 'open':
        this.#writer(step.writer).open(step.document)
        return
      case 'close':
        this.#writer(step.writer).close(step.document)
        return
      case 'cut':
        this.#writer(step.writer).cut()
        return
      case 'dead line':
        this.#writer(step.writer).loseLine()
        return
      case 'leave':
        this.#writer(step.writer).leave()
        return
      case 'come back':
        this.#comeBack(this.#writer(step.writer))
        return
      case 'move':
        this.#writer(step.writer).place = step.node
        this.#writer(step.writer).cut()
        return
      case 'kill':
        this.nodes[step.node]?.kill()
        return
      case 'start':
        this.#start(step.node)
        return
      case 'stop':
        this.nodes[step.node]?.stop()
        // people do not stop for it
        if (this.#random.next() < 0.3)
          for (const writer of this.writers) this.#storm(writer, this.timeline.time + 1_200)
        return
      case 'lock':
        troubles.documents.set(step.document, 'locked')
        return
      case 'break':
        troubles.documents.set(step.document, 'XX001')
        return
      case 'refuse':
        troubles.documents.set(step.document, '22021')
        return
      case 'cancel':
        troubles.documents.set(step.document, '57014')
        return
      case 'unlock':
        troubles.documents.delete(step.document)
        this.storage.release()
        return
      case 'rewind':
        this.storage.failOver(step.commits)
        this.promises.rewound()
        return
      case 'damage':
        this.#damages.make(this.storage, step)
        // it is found out when it is read
        if (step.number % 3 > 0) for (const [place, node] of this.nodes.entries()) this.#restart(place, node)
        // … and what is written now is worth a snapshot
        if (step.number % 3 > 1) this.timeline.after(2_000, () => this.#writeMuch(step.document))
        return
      case 'repair':
        this.#damages.repair()
        return
      case 'jump clock':
        this.#jumped += jumps[step.number % jumps.length]!
        return
      default:
        disturb(this.storage, step.does, step.number)
    }
  }

  #node(place: number): Node | null {
    return this.nodes[place % nodes] ?? null
  }

  #start(number: number): void {
    if (this.nodes[number] && this.nodes[number].state !== 'gone') return
    const world = {
      timeline: this.timeline,
      random: this.#random,
      storage: this.storage,
      wallClock: () => 1_700_000_000_000 + this.timeline.time + this.#jumped,
    }
    const node = new Node(world, (failure) => this.promises.failed(failure))
    this.nodes[number] = node
    this.promises.nodes.push(node)
  }

  #restart(number: number, node: Node | null): void {
    if (!node || node.state === 'gone') return
    node.kill()
    this.#start(number)
  }

  #writer(number: number): Writer {
    return this.writers[number % this.writers.length]!
  }

  #comeBack(writer: Writer): void {
    writer.isHere = true
    writer.connect()
  }

  #write(writer: Writer, name: DocumentName, does: Extract<Step, { document: DocumentName }>['does']): void {
    writer.open(name)
    writer.change(name, (doc, value) => change(doc, value, does, this.#random), does !== 'write ahead')
  }

  #typeOn(writer: Writer, name: DocumentName, edits: number): void {
    this.#write(writer, name, 'write')
    if (edits > 1) this.timeline.after(this.#random.int(2, 40), () => this.#typeOn(writer, name, edits - 1))
  }

  #writeMuch(name: DocumentName): void {
    for (const writer of this.writers) for (const _ of [1, 2]) this.#write(writer, name, 'write much')
  }

  #storm(writer: Writer, end: number): void {
    this.#write(writer, 'plan', 'write')
    if (this.timeline.time < end) this.timeline.after(this.#random.int(2, 8), () => this.#storm(writer, end))
  }

  async #end(): Promise<void> {
    this.#checkMemory(false)
    this.storage.troubles.heal()
    this.storage.release()
    this.#damages.repair()
    // whoever was asked to stop comes to an end first
    if (this.nodes.some((node) => node?.state === 'stopping')) await this.#advance(shutdownMs + 2_000)
    for (let number = 0; number < nodes; number++) this.#start(number)
    for (const writer of this.writers) {
      this.#comeBack(writer)
      for (const name of writer.replicas.keys()) writer.open(name)
    }
    await this.#advance(30_000)
    for (const writer of this.writers) {
      for (const name of writer.replicas.keys()) this.#write(writer, name, 'write')
      writer.sayAll()
    }
    await this.#advance(15_000)
    this.#checkSettled()
    this.promises.checkKept()
    this.#checkMemory(true)
    this.promises.answer()
    for (const name of documents) {
      for await (const what of differencesWhenLoaded(this.storage, name)) this.promises.complain(what)
    }
    this.promises.answer()
    for (const writer of this.writers) writer.leave()
    await this.#advance(60_000)
    for (const node of this.nodes) if (node?.state === 'running') this.#checkEmpty(node)
    for (const node of this.nodes) node?.stop()
    await this.#advance(shutdownMs + 2_000)
    for (const node of this.nodes) if (node) this.#checkGone(node)
    this.promises.answer()
  }

  #checkMemory(isAtRest: boolean): void {
    for (const node of this.nodes) {
      if (node?.state !== 'running') continue
      for (const what of lackedInMemory(this.storage, node, isAtRest)) this.promises.complain(what)
    }
  }

  #checkSettled(): void {
    for (const writer of this.writers) {
      for (const { name, session, writes, lastError } of writer.replicas.values()) {
        if (session !== 'open') this.promises.complain(`[R3.3] ${writer.name} cannot open ${name}: ${lastError}`)
        if (writes.length > 0)
          this.promises.complain(`[R1.2] ${writer.name} waits for ${writes.length} answers in ${name}`)
      }
    }
  }

  /** Everybody has left: nothing of any document stays. */
  #checkEmpty({ sync, process }: Node): void {
    const { documents, loadingDocuments } = sync.hocuspocus
    const names = [...documents.keys(), ...loadingDocuments.keys()]
    if (names.length + sync.documents.count > 0) this.promises.complain(`[R6] ${names} stay in memory for nobody`)
    if (sync.journal.queued.updates !== 0 || sync.journal.queued.bytes !== 0) {
      this.promises.complain(`[R3.3] the journal counts ${JSON.stringify(sync.journal.queued)} at rest`)
    }
    if (sync.sockets.count > 0) this.promises.complain(`[R6.4] ${sync.sockets.count} sockets stay`)
    // the heartbeat of the sockets
    if (process.timers.length > 1) {
      this.promises.complain(
        `[R6] ${process.timers.length} timers outlive all documents: ${process.timers.slice(0, 2)}`,
      )
    }
  }

  #checkGone({ state, left, process }: Node): void {
    if (state !== 'gone') this.promises.complain('[W3] a server did not stop in time')
    if (left) this.promises.complain(`[W3] a server that nobody used left ${left} updates`)
    if (process.timers.length > 0) this.promises.complain(`[W3] timers outlive their server: ${process.timers}`)
  }
}
