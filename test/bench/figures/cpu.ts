import type { BenchPostgres } from '../systems/postgres.ts'
import type { ServerProcess } from '../systems/server-process.ts'
import { sleep } from './figure.ts'

interface CpuReading {
  readonly at: number
  readonly server: number
  readonly postgres: number | null
}

async function read(server: ServerProcess, postgres: BenchPostgres): Promise<CpuReading> {
  return { at: performance.now(), server: await server.cpuMs(), postgres: postgres.cpuMs() }
}

export interface CpuUse {
  readonly serverMs: number
  readonly postgresMs: number | null
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
    const before = await read(server, postgres)
    await sleep(ms)
    const after = await read(server, postgres)
    return new CpuMeter(server, postgres, difference(before, after), after.at - before.at)
  }

  async start(): Promise<void> {
    this.#before = await read(this.#server, this.#postgres)
  }

  async stop(): Promise<CpuUse> {
    const after = await read(this.#server, this.#postgres)
    const used = difference(this.#before!, after)
    const ms = after.at - this.#before!.at
    return {
      serverMs: used.serverMs - this.#idleServer * ms,
      postgresMs:
        used.postgresMs === null || this.#idlePostgres === null ? null : used.postgresMs - this.#idlePostgres * ms,
    }
  }
}

function difference(before: CpuReading, after: CpuReading): CpuUse {
  return {
    serverMs: after.server - before.server,
    postgresMs: before.postgres === null || after.postgres === null ? null : after.postgres - before.postgres,
  }
}
