import { performance } from 'node:perf_hooks'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'

/** What the server counts about itself. No label holds a document's or a person's name. */
export interface Metrics {
  readonly registry: Registry
  readonly sockets: Gauge
  readonly sessions: Gauge
  /** Documents in memory. */
  readonly documents: Gauge
  readonly journalQueueBytes: Gauge
  readonly journalQueueUpdates: Gauge
  readonly acksHeld: Gauge
  readonly commitSeconds: Histogram
  readonly batchUpdates: Histogram
  readonly failures: Counter<'code'>
  readonly httpRequests: Counter<'method' | 'area' | 'status'>
  readonly httpSeconds: Histogram<'area'>
}

/** A registry of its own for each server, so that several of them in one process do not mix. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const gauge = (name: string, help: string) => new Gauge({ name: `tidemark_${name}`, help, registers })
  processGauges(registers)
  return {
    registry,
    sockets: gauge('sockets', 'Open WebSockets'),
    sessions: gauge('sessions', 'Documents opened by clients, counted per client'),
    documents: gauge('documents_in_memory', 'Documents in memory'),
    journalQueueBytes: gauge('journal_queue_bytes', 'Bytes of edits that wait for their commit'),
    journalQueueUpdates: gauge('journal_queue_updates', 'Edits that wait for their commit'),
    acksHeld: gauge('acks_held', 'Acknowledgements held back until their edit is durable'),
    commitSeconds: new Histogram({
      name: 'tidemark_commit_seconds',
      help: 'Duration of a journal commit',
      buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15],
      registers,
    }),
    batchUpdates: new Histogram({
      name: 'tidemark_commit_updates',
      help: 'Edits committed together',
      buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000],
      registers,
    }),
    failures: new Counter({
      name: 'tidemark_failures_total',
      help: 'Failures by code',
      labelNames: ['code'],
      registers,
    }),
    httpRequests: new Counter({
      name: 'tidemark_http_requests_total',
      help: 'HTTP requests answered',
      labelNames: ['method', 'area', 'status'],
      registers,
    }),
    httpSeconds: new Histogram({
      name: 'tidemark_http_seconds',
      help: 'Duration of HTTP requests',
      labelNames: ['area'],
      buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
      registers,
    }),
  }
}

// prom-client's own default metrics start observers that outlive the server; these are read when they are asked for.
function processGauges(registers: Registry[]): void {
  const measured = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read())
      },
    })
  measured('process_resident_memory_bytes', 'Resident memory', () => process.memoryUsage.rss())
  measured('process_heap_used_bytes', 'JavaScript heap in use', () => process.memoryUsage().heapUsed)
  measured('process_cpu_seconds_total', 'CPU time used', () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  })
  measured(
    'process_event_loop_utilization',
    'Share of time the event loop was busy since the start',
    () => performance.eventLoopUtilization().utilization,
  )
  measured('process_start_time_seconds', 'Unix time of the start', () => Math.round(performance.timeOrigin / 1000))
}
