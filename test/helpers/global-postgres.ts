import type { TestProject } from 'vitest/node'
import { PostgresCluster } from './postgres.ts'

/**
 * One Postgres for the whole run, however many projects ask for it: each test file makes its own database in it. That
 * is gigabytes in all, for which a slow disk makes each commit wait for seconds; so it runs without fsync.
 * Vitest loads this file once per project, so what they share hangs on the process.
 */
interface Shared {
  users: number
  cluster: Promise<PostgresCluster>
}

const holder = globalThis as { tidemarkTestPostgres?: Shared }

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  holder.tidemarkTestPostgres ??= { users: 0, cluster: PostgresCluster.create({ fsync: false }) }
  const shared = holder.tidemarkTestPostgres
  shared.users += 1
  const cluster = await shared.cluster
  project.provide('postgresUrl', cluster.url('postgres'))
  return async () => {
    shared.users -= 1
    if (shared.users > 0) return
    delete holder.tidemarkTestPostgres
    await cluster[Symbol.asyncDispose]()
  }
}

declare module 'vitest' {
  export interface ProvidedContext {
    postgresUrl: string
  }
}
