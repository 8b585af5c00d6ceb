import { TidemarkError } from '@tidemark/shared'
import * as Y from 'yjs'
import { Timeline } from '../../../client/src/testing/timeline.ts'
import type { Access, Authoriser } from '../../../server/src/auth/access.ts'
import { load, RowQuarantined } from '../../../server/src/documents/load.ts'
import type { SyncFailure } from '../../../server/src/sync.ts'
import { Random } from '../../helpers/random.ts'
import { Node } from '../../simulation/server/node.ts'
import type { SimulatedSocket } from '../../simulation/server/socket.ts'
import { Storage } from '../../simulation/server/storage/storage.ts'
import { count, type Findings, signIn } from '../findings.ts'
import { differences } from '../oracle/state.ts'
import { homeOf, type PlanOptions, planOf, type Step } from '../plan.ts'
import { Person } from './person.ts'

const sockets = 8
const documents = ['plan', 'notes']
/** Between two hostile frames, and between two honest edits, in simulated ms. */
const paceMs = 1
const honestPaceMs = 20
/** How long an honest edit may wait in simulated time, where computing takes none. */
const patienceMs = 5_000
/** How long one step may take in the time of the machine, which may be busy. */
const standstillMs = 5_000

export interface RoundOptions {
  seed: number
  frames: number
}

export const optionsOf = (seed: number, frames: number): PlanOptions => ({
  frames,
  sockets,
  documents,
  honest: documents.flatMap((_, index) => [honestClient(seed, 2 * index), honestClient(seed, 2 * index + 1)]),
})

const honestClient = (seed: number, number: number): number => 1_000_000 + (seed % 100_000) * 10 + number

export const stepsOf = (seed: number, frames: number): Step[] => [...planOf(new Random(seed), optionsOf(seed, frames))]

/**
 * Hostile and honest clients on a server in simulated time: the gate, Hocuspocus, the documents and the journal are the
 * real ones, the network and the database are not. The same seed gives the same round, so that it can be cut down.
 */
export async function simulateRound(seed: number, steps: readonly Step[]): Promise<Findings> {
  return new Round(seed).live(steps)
}

class Round {
  readonly #timeline = new Timeline()
  readonly #random: Random
  readonly #storage: Storage
  readonly #people: Person[]
  readonly #hostile = new Map<number, SimulatedSocket>()
  readonly #complaints: string[] = []
  readonly #refusals = new Map<string, number>()
  #node: Node | null = null
  #standstill = 0
  #sent = 0

  constructor(seed: number) {
    this.#random = new Random(seed)
    this.#storage = new Storage(this.#timeline, this.#random, {
      ran: () => {},
      tried: () => {},
      unknown: (statement) => this.#complaints.push(`the simulated database does not know ${statement}`),
    })
    const { honest } = optionsOf(seed, 0)
    this.#people = honest.map((client, number) => {
      const document = documents[number >> 1] as string
      return new Person({ name: `honest ${number}`, document, client }, this.#timeline, () => this.#node)
    })
  }

  async live(steps: readonly Step[]): Promise<Findings> {
    const began = performance.now()
    this.#start()
    for (const person of this.#people) person.connect()
    await this.#timeline.advance(200)
    for (const step of steps) {
      this.#perform(step)
      await this.#advance(paceMs)
    }
    await this.#settle('at the end')
    this.#node?.kill()
    this.#start()
    await this.#settle('after a restart')
    await this.#compare()
    for (const person of this.#people) person.leave()
    for (const socket of this.#hostile.values()) socket.drop()
    this.#node?.kill()
    const waits = this.#people.flatMap(({ edits }) => edits.waits)
    return {
      complaints: this.#complaints,
      sent: this.#sent,
      refusals: this.#refusals,
      acknowledged: this.#people.reduce((sum, { edits }) => sum + edits.acknowledged, 0),
      longestAck: waits.reduce((longest, wait) => Math.max(longest, wait), 0),
      longestStandstill: this.#standstill,
      grownBy: null,
      seconds: (performance.now() - began) / 1000,
    }
  }

  #start(): void {
    const wallClock = () => 1_700_000_000_000 + this.#timeline.time
    const world = { timeline: this.#timeline, random: this.#random, storage: this.#storage, wallClock, authoriser }
    this.#node = new Node(world, (failure) => this.#failed(failure))
  }

  #failed({ code, cause, attempt }: SyncFailure): void {
    count(this.#refusals, code)
    if (code === 'internal') this.#complaints.push(`internal: ${cause instanceof Error ? cause.stack : String(cause)}`)
    if (code === 'document-load-failed' && attempt !== 'load')
      this.#complaints.push(`a row went into quarantine: ${attempt} ${cause}`)
  }

  #perform(step: Step): void {
    if (step.does === 'hang up') {
      this.#hostile.get(step.socket)?.drop()
      this.#hostile.delete(step.socket)
      return
    }
    let socket = this.#hostile.get(step.socket)
    if (!socket?.isOpen) {
      socket = this.#node?.connect({ received: () => {}, closed: () => {} }) ?? undefined
      if (!socket) return
      this.#hostile.set(step.socket, socket)
      const address = homeOf(step.socket, documents)
      socket.send(signIn({ does: 'sign in', socket: step.socket, address, as: 'writer', epoch: null }, String))
    }
    this.#sent++
    socket.send(step.does === 'send' ? step.frame : signIn(step, String))
  }

  async #advance(ms: number): Promise<void> {
    const began = performance.now()
    const before = Math.floor(this.#timeline.time / honestPaceMs)
    await this.#timeline.advance(ms)
    if (Math.floor(this.#timeline.time / honestPaceMs) > before) this.#random.pick(this.#people).write()
    const took = performance.now() - began
    if (took > standstillMs) this.#complaints.push(`a step held everything up for ${Math.round(took)} ms`)
    this.#standstill = Math.max(this.#standstill, took)
  }

  /** Everybody honest has everything saved, and has had to wait for nothing too long. */
  async #settle(when: string): Promise<void> {
    for (const person of this.#people) person.write()
    const isSettled = () =>
      this.#people.every(({ isOpen, edits }) => isOpen && edits.all.every((e) => e.isAcknowledged))
    for (let waited = 0; waited < patienceMs && !isSettled(); waited += 10) await this.#timeline.advance(10)
    await this.#timeline.advance(200)
    for (const { name, edits, isOpen, lastError } of this.#people) {
      const waiting = edits.all.filter(({ isAcknowledged }) => !isAcknowledged).length
      if (!isOpen || waiting > 0)
        this.#complaints.push(`${when} ${name} waits for ${waiting} answers${isOpen ? '' : ', shut out'}: ${lastError}`)
      if (edits.refusals > 0) this.#complaints.push(`${name} was refused ${edits.refusals} edits: ${lastError}`)
      for (const wait of edits.waits) if (wait > patienceMs) this.#complaints.push(`${name} waited ${wait} ms`)
      this.#complaints.push(...edits.violations)
    }
    for (const line of this.#node?.process.printed ?? [])
      if (!isExpected(line)) this.#complaints.push(`the server printed ${line.slice(0, 500)}`)
  }

  async #load(document: string): Promise<Y.Doc> {
    for (;;) {
      const stored = new Y.Doc()
      try {
        await load(this.#storage.direct, document, stored)
        return stored
      } catch (error) {
        if (!(error instanceof RowQuarantined)) throw error
        this.#complaints.push(`a row went into quarantine: ${error.summary} ${error.cause}`)
      }
    }
  }

  /** What is stored opens, holds all that was acknowledged, and is what everybody sees. */
  async #compare(): Promise<void> {
    for (const document of documents) {
      const stored = await this.#load(document)
      const people = this.#people.filter((person) => person.document === document)
      const clients = new Set(people.flatMap(({ edits }) => [...edits.clients]))
      for (const person of people) {
        const missing = [...person.edits.missingIn(stored)]
        if (missing.length > 0)
          this.#complaints.push(`${missing.length} acknowledged edits of ${person.name}: ${missing.slice(0, 3)}`)
        const different = differences(person.doc, stored, clients)
        if (different.length > 0)
          this.#complaints.push(`${person.name} sees another ${document}: ${different.slice(0, 4).join('; ')}`)
      }
    }
  }
}

/** What y-protocols says of an update that does not apply, and Hocuspocus of its own limits. */
const isExpected = (line: string): boolean => /^(Caught error while handling|Hocuspocus: closing)/.test(line)

const levels: { readonly [token: string]: Access['level'] | TidemarkError } = {
  reader: 'read',
  expired: new TidemarkError('token-expired'),
  stranger: new TidemarkError('permission-denied'),
  nonsense: new TidemarkError('token-invalid'),
}

/** A token is the name of its bearer. */
const authoriser: Authoriser = {
  async authorise(token) {
    const level = levels[token] ?? 'write'
    if (typeof level !== 'string') throw level
    return { userId: token, userName: null, tokenId: null, level, expiresAt: null }
  },
  async authoriseAdmin() {
    throw new TidemarkError('permission-denied')
  },
}
