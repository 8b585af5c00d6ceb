import { machineCpuMs } from '../systems/machine.ts'
import type { BenchPostgres } from '../systems/postgres.ts'
import type { ServerProcess } from '../systems/server-process.ts'
import { sleep } from './figure.ts'

interface CpuReading {
  readonly at: number
  readonly server: number
  readonly postgres: number | null
  readonly machine: number | null
}

async function read(server: ServerProcess, postgres: BenchPostgres): Promise<CpuReading> {
  return { at: performance.now(), server: await server.cpuMs(), postgres: postgres.cpuMs(), machine: machineCpuMs() }
}

export interface CpuUse {
  readonly serverMs: number
  readonly postgresMs: number | null
}

export interface CpuWindow extends CpuUse {
  readonly ms: number
  /** What all processes of the machine used, these two included. */
  readonly machineMs: number | null
}

/** CPU time beyond what the server takes when everybody is connected and nobody writes. */
export class CpuMeter {
  readonly #server: ServerProcess
  readonly #postgres: BenchPostgres
  readonly #idleServer: number
  readonly #idlePostgres: number | null
  #before: CpuReading | null = null

  private constructor(server: ServerProcess, postgres: BenchPostgres, idle: CpuUse, ms: number) {
    this.#server = server
    this.#postgres = postgres
    this.#idleServer = idle.serverMs / ms
    this.#idlePostgres = idle.postgresMs === null ? null : idle.postgresMs / ms
  }

  /** Takes `ms` to learn what idling costs. */
  static async calibrate(server: ServerProcess, postgres: BenchPostgres, ms: number): Promise<CpuMeter> {
    const slices: { use: CpuUse; ms: number }[] = []
    for (let slice = 0; slice < 4; slice++) {
      const before = await read(server, postgres)
      await sleep(ms / 4)
      const after = await read(server, postgres)
      slices.push({ use: difference(before, after), ms: after.at - before.at })
    }
    // The quietest slice: a store that is late would else be taken for idling, and subtracted.
    const { use, ms: length } = slices.reduce((best, slice) => (slice.use.serverMs < best.use.serverMs ? slice : best))
    return new CpuMeter(server, postgres, use, length)
  }

  async start(): Promise<void> {
    this.#before = await read(this.#server, this.#postgres)
  }

  async stop(): Promise<CpuWindow> {
    const after = await read(this.#server, this.#postgres)
    const used = difference(this.#before!, after)
    const ms = after.at - this.#before!.at
    return {
      ms,
      machineMs: subtract(after.machine, this.#before!.machine),
      serverMs: used.serverMs - this.#idleServer * ms,
      postgresMs:
        used.postgresMs === null || this.#idlePostgres === null ? null : used.postgresMs - this.#idlePostgres * ms,
    }
  }
}

function difference(before: CpuReading, after: CpuReading): CpuUse {
  return {
    serverMs: after.server - before.server,
    postgresMs: subtract(after.postgres, before.postgres),
  }
}

const subtract = (after: number | null, before: number | null): number | null =>
  after === null || before === null ? null : after - before
