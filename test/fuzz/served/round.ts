import { readFileSync } from 'node:fs'
import { Random } from '../../helpers/random.ts'
import type { ServerProcess } from '../../helpers/server.ts'
import { token } from '../../helpers/tokens.ts'
import { pause, until } from '../../helpers/until.ts'
import { count, type Findings } from '../findings.ts'
import { differences } from '../oracle/state.ts'
import { type Identity, type PlanOptions, planOf } from '../plan.ts'
import { Hostile } from './hostile.ts'
import { type Person, stockPerson, tidemarkPerson, write } from './person.ts'

/** Frames between two looks whether the server keeps up. */
const burst = 100
const honestPaceMs = 50
/** Standstills that no busy machine explains, in ms. */
const standstillMs = 5_000
const settleMs = 30_000
/** How much the process may grow by, in MiB: what a round leaves in the documents, and garbage that waits. */
const growthMiB = 500
const peoplePerDocument = 3

export interface RoundOptions {
  seed: number
  frames: number
  sockets?: number
}

/** Hostile and honest clients on a real server in a process of its own, which is killed and started again at the end. */
export async function serveRound(
  server: ServerProcess,
  { seed, frames, sockets = 8 }: RoundOptions,
): Promise<Findings> {
  const began = performance.now()
  const documents = ['plan', 'notes'].map((name) => `${name} ${seed}`)
  const watch = new Watch(server)
  const tokens = await tokensOf()
  const honest = await token({ subject: 'honest' })
  const people = await peopleOf(server, documents, seed, honest)
  const clients = people.filter(({ isStock }) => isStock).map(({ doc }) => doc.clientID)
  const options: PlanOptions = { frames, sockets, documents, honest: clients }
  const complaints: string[] = []
  const stopWriting = keepWriting(people)
  try {
    await until('everybody honest has begun', () => people.every(({ isSaved }) => isSaved), { timeout: settleMs })
    const before = memoryOf(server.pid)
    watch.begin()
    using hostile = new Hostile(server.sync, documents, tokens)
    let steps = 0
    for (const step of planOf(new Random(seed), options)) {
      await hostile.perform(step)
      if (++steps % burst === 0) await watch.ask()
    }
    await settle(people, complaints)
    watch.end()
    const grownBy = server.running ? memoryOf(server.pid) - before : 0
    if (grownBy > growthMiB) complaints.push(`the process has grown by ${Math.round(grownBy)} MiB`)
    complaints.push(...watch.complaints)
    await server.kill9()
    await server.start()
    await settle(people, complaints)
    for (const document of [...documents, ...documents.flatMap(besides)]) {
      await compare(server, document, people, honest, complaints)
    }
    const waits = people.flatMap(({ edits }) => edits.waits)
    const longestAck = waits.reduce((longest, wait) => Math.max(longest, wait), 0)
    if (longestAck > standstillMs) complaints.push(`an honest edit waited ${Math.round(longestAck)} ms`)
    return {
      complaints,
      sent: hostile.sent,
      refusals: watch.refusals,
      acknowledged: people.reduce((sum, { edits }) => sum + edits.acknowledged, 0),
      longestAck,
      longestStandstill: watch.longest,
      grownBy,
      seconds: (performance.now() - began) / 1000,
    }
  } finally {
    watch.end()
    stopWriting()
    for (const person of people) await person[Symbol.asyncDispose]()
  }
}

async function peopleOf(server: ServerProcess, documents: readonly string[], seed: number, token: string) {
  const people: Person[] = []
  for (const [place, document] of documents.entries()) {
    for (let number = 0; number < peoplePerDocument; number++) {
      const client = 1_000_000 + (seed % 100_000) * 10 + peoplePerDocument * place + number
      const who = { name: `${place}.${number}`, document, client, url: server.sync, token }
      people.push(number === 2 ? await tidemarkPerson(who) : stockPerson(who))
    }
  }
  return people
}

/** Now and then one of them writes. @returns a function that ends it */
function keepWriting(people: readonly Person[]): () => void {
  let edits = 0
  const timer = setInterval(() => {
    const person = people[edits++ % people.length]
    if (person) write(person, edits)
  }, honestPaceMs)
  return () => clearInterval(timer)
}

async function settle(people: readonly Person[], complaints: string[]): Promise<void> {
  // a moment at which nothing is on its way, though people go on
  const isSettled = () => people.every(({ isSaved }) => isSaved)
  await until('everybody honest has everything saved', isSettled, { timeout: settleMs, interval: 1 }).catch(() => {
    for (const { name, isSaved, lastError } of people)
      if (!isSaved) complaints.push(`${name} has not everything saved after ${settleMs} ms: ${lastError}`)
  })
  for (const { name, edits, lastError } of people) {
    if (edits.refusals > 0) complaints.push(`${name} was refused ${edits.refusals} edits: ${lastError}`)
    complaints.push(...edits.violations)
  }
}

/** What a newcomer reads. */
async function compare(
  server: ServerProcess,
  document: string,
  people: readonly Person[],
  token: string,
  complaints: string[],
): Promise<void> {
  await using reader = stockPerson({ name: 'reader', document, client: 1, url: server.sync, token })
  const isOpen = () => reader.isSaved
  await until(`${document} opens`, isOpen, { timeout: settleMs }).catch(() => {
    complaints.push(`${document} does not open: ${reader.lastError}`)
  })
  const writers = people.filter((person) => person.document === document)
  const clients = new Set(writers.flatMap(({ edits }) => [...edits.clients]))
  for (const { name, edits } of writers) {
    const missing = [...edits.missingIn(reader.doc)]
    if (missing.length > 0) complaints.push(`${missing.length} acknowledged edits of ${name}: ${missing.slice(0, 3)}`)
  }
  const different = (person: Person) => differences(person.doc, reader.doc, clients)
  await until('all see the same', () => writers.every((person) => different(person).length === 0), {
    interval: 1,
  }).catch(() => {
    for (const person of writers)
      if (different(person).length > 0)
        complaints.push(`${person.name} sees another ${document}: ${different(person).slice(0, 4).join('; ')}`)
  })
}

/** Documents that a plan makes beside those of honest people. */
const besides = (document: string): string[] => [0, 1, 2, 3, 4, 5].map((number) => `${document}-${number}`)

async function tokensOf(): Promise<(identity: Identity) => string> {
  const all: { readonly [identity in Identity]: string } = {
    writer: await token({ subject: 'hostile' }),
    'other writer': await token({ subject: 'hostile too' }),
    reader: await token({ subject: 'reader', documents: { '*': 'read' } }),
    expired: await token({ expiresIn: -60 }),
    stranger: await token({ documents: {} }),
    nonsense: 'nonsense',
  }
  return (identity) => all[identity]
}

/** Of the process, in MiB. */
export function memoryOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
}

/** Asks a server again and again whether it lives, and reads its log. */
class Watch {
  longest = 0
  readonly complaints: string[] = []
  readonly refusals = new Map<string, number>()
  readonly #server: ServerProcess
  readonly #logged: number
  #isOn = false

  constructor(server: ServerProcess) {
    this.#server = server
    this.#logged = server.log.length
  }

  begin(): void {
    this.#isOn = true
    void this.#askOn()
  }

  end(): void {
    if (!this.#isOn) return
    this.#isOn = false
    for (const { code, ...line } of this.#server.log.slice(this.#logged)) {
      if (typeof code !== 'string') continue
      count(this.refusals, code)
      if (code === 'internal' || code === 'document-load-failed')
        this.complaints.push(`${code}: ${JSON.stringify(line)}`)
    }
    if (!this.#server.running) this.complaints.push('the process ended')
    if (this.longest > standstillMs) this.complaints.push(`nothing was answered for ${Math.round(this.longest)} ms`)
  }

  async #askOn(): Promise<void> {
    while (this.#isOn) {
      await this.ask()
      await pause(20)
    }
  }

  async ask(): Promise<void> {
    const began = performance.now()
    await fetch(`${this.#server.http}/livez`)
      .then((response) => response.text())
      .catch(() => '')
    this.longest = Math.max(this.longest, performance.now() - began)
  }
}
