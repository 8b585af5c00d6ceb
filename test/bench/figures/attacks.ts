import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { readEdits, Writer } from '../../helpers/writer.ts'
import { type Attack, attacks } from '../attacks/attacks.ts'
import type { Felt } from '../attacks/bystander.ts'
import type { RunningSystem, StartOptions, System } from '../systems/system.ts'
import { alternate, type BenchContext, type Figure, Rows, sleep } from './figure.ts'

const measures = {
  memory: { what: 'memory', unit: 'MB more', limit: 150 },
  standstill: { what: 'standstill', unit: 'ms', limit: 100 },
  ack: { what: "another document's ack", unit: 'ms', limit: 200 },
  lost: { what: 'acknowledged and lost', unit: 'edits', limit: 0 },
} as const
type Measured = { readonly [name in keyof typeof measures]: number }

const document = 'plan'
const editsBefore = 5
const editsAfter = 20

/** What one hostile client costs the others. */
export const attacksFigure: Figure = {
  name: 'attacks',
  async run(context) {
    const rows = new Rows()
    for (const { name } of attacks) {
      for (const { what, unit, limit } of Object.values(measures)) {
        rows.define(`${name}: ${what}`, unit, { kind: 'at-most', limit })
      }
    }
    // what speaks another protocol is not asked
    const systems = context.systems.filter(({ protocol }) => protocol === 'hocuspocus')
    for (let repeat = 0; repeat < Math.min(context.repeats, 3); repeat++) {
      for (const attack of attacks) {
        for (const system of alternate(systems, repeat)) {
          if (attack.isOnPglite && system.name !== 'tidemark') continue
          const measured = await suffer(context, system, attack)
          for (const [measure, { what }] of Object.entries(measures)) {
            rows.add(`${attack.name}: ${what}`, system.name, measured[measure as keyof Measured])
          }
          context.log(`${system.name}, ${attack.name}: ${JSON.stringify(measured)}`)
        }
      }
    }
    return {
      title: 'Attacks',
      ran:
        `In a fresh server somebody honest writes ${editsBefore} edits to "${document}", a hostile client with the right to ` +
        `write begins, 1.5 s later ${editsAfter} more edits follow, and after 5 s the server is killed with -9, started again and ` +
        'read. Memory: the highest resident size above that before the attack. Standstill: the slowest answer to a question for ' +
        'its health; and the slowest acknowledgement in another document: both seen from a thread of their own.',
      rows: rows.all(),
      notes: [
        'Stock acknowledges what is in memory: what it stores 2 s later counts as lost here when it was not stored.',
        'A system that ends itself under an attack counts with what it answered until then.',
      ],
    }
  },
}

async function suffer({ postgres }: BenchContext, system: System, attack: Attack): Promise<Measured> {
  const database = await postgres.createDatabase()
  const folder = attack.isOnPglite ? await mkdtemp(join(tmpdir(), 'tidemark-bench-')) : undefined
  const options: StartOptions = { database, ...(folder === undefined ? {} : { folder }) }
  try {
    return await sufferIn(system, attack, options)
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true })
  }
}

async function sufferIn(system: System, attack: Attack, options: StartOptions): Promise<Measured> {
  const first = await system.start(options)
  let acknowledged: string[] = []
  let seen: Omit<Measured, 'lost'>
  try {
    const { acknowledged: saved, ...rest } = await under(first, system, attack)
    acknowledged = saved
    seen = rest
  } finally {
    await first.process.kill()
  }
  const second = await system.start(options)
  try {
    const found = new Set(await readEdits({ url: second.url, document }).catch(() => []))
    return { ...seen, lost: acknowledged.filter((edit) => !found.has(edit)).length }
  } finally {
    await second.process.kill()
  }
}

async function under({ process, url }: RunningSystem, system: System, attack: Attack) {
  const health = `${url.replace('ws:', 'http:').replace('/sync', '')}/${system.name === 'tidemark' ? 'livez' : ''}`
  using honest = await new Writer({ url, document, name: 'honest' }).synced()
  const bystander = new Worker(new URL('../attacks/bystander.ts', import.meta.url), { workerData: { url, health } })
  try {
    await once(bystander, 'message')
    for (let edit = 0; edit < editsBefore; edit++) honest.write()
    await honest.drained()
    await sleep(500)
    const before = residentMb(process.pid, 'VmRSS')
    forgetPeak(process.pid)
    bystander.postMessage('forget')
    const next = { client: honest.doc.clientID, clock: honest.made }
    const end = await attack.begin({ url, health: health.replace('livez', 'readyz'), document, next })
    await sleep(1_500)
    for (let edit = 0; edit < editsAfter; edit++) {
      honest.write()
      await sleep(20)
    }
    await sleep(3_500)
    const memory = process.running ? Math.max(0, residentMb(process.pid, 'VmHWM') - before) : Number.NaN
    bystander.postMessage('end')
    const [felt] = (await once(bystander, 'message')) as [Felt]
    end()
    return { ...felt, memory, acknowledged: honest.acknowledged }
  } finally {
    await bystander.terminate()
  }
}

function residentMb(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const [, kib] = new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kib) / 1024
}

/** The highest resident size counts from here on. */
function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
}
