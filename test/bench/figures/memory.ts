import { LoadProcess } from '../load/load-process.ts'
import { median } from '../statistics.ts'
import type { System } from '../systems/system.ts'
import { alternate, type BenchContext, documentNames, type Figure, Rows, sleep, withLoad } from './figure.ts'

/** Resident memory of the server for each idle connection and each open document. */
export const memoryFigure: Figure = {
  name: 'memory',
  async run(context) {
    const connections = context.quick ? 400 : 1000
    const few = connections / 10
    const rows = new Rows()
    rows.define('per idle connection', 'KB', { kind: 'ratio', limit: 1 })
    rows.define('per open small document', 'KB', { kind: 'ratio', limit: 1 })
    rows.define('server with nobody connected', 'MB')
    const repeats = context.quick ? 1 : Math.min(context.repeats, 2)
    for (let repeat = 0; repeat < repeats; repeat++) {
      for (const system of alternate(context.systems, repeat)) {
        const fewDocuments = await hold(context, system, few, 10)
        const manyDocuments = await hold(context, system, connections, 1)
        // grown = connections × perConnection + documents × perDocument, at the same number of connections twice
        const perDocument = (manyDocuments.grown - fewDocuments.grown) / (connections - few)
        const perConnection = (fewDocuments.grown - few * perDocument) / connections
        rows.add('per idle connection', system.name, perConnection / 1024)
        rows.add('per open small document', system.name, perDocument / 1024)
        rows.add('server with nobody connected', system.name, manyDocuments.empty / 1024 / 1024)
        context.log(
          `${system.name} memory #${repeat + 1}: ${(perConnection / 1024).toFixed(1)} KB per connection, ` +
            `${(perDocument / 1024).toFixed(1)} KB per document`,
        )
      }
    }
    return {
      title: 'Memory',
      ran:
        `Resident memory after full garbage collections, in two fresh servers: ${connections} connections, once on ` +
        `${few} documents and once on ${connections}, each document holding the 1 KB that its first provider wrote; ` +
        'the two differences give the cost of a connection and of a document. ' +
        `${repeats} repeats.`,
      rows: rows.all(),
      notes: [],
    }
  },
}

async function hold(context: BenchContext, system: System, documents: number, perDocument: number) {
  const database = await context.postgres.createDatabase()
  const { process, url } = await system.start({ database })
  try {
    return await withLoad(new LoadProcess(), async (load) => {
      const to = { protocol: system.protocol, url }
      // The first connections load code and fill caches that no later one pays for.
      await load.do('hold', { ...to, names: documentNames('first', 20), perDocument: 1 })
      await sleep(500)
      const empty = await settled(() => process.residentBytes())
      const names = documentNames('held', documents)
      await load.do('connect', { ...to, names, readers: false, seedBytes: 1000 })
      if (perDocument > 1) await load.do('hold', { ...to, names, perDocument: perDocument - 1 })
      // Past the debounced stores of what was written, whose buffers are not the documents'.
      await sleep(3000)
      return { empty, grown: (await settled(() => process.residentBytes())) - empty }
    })
  } finally {
    await process.kill()
  }
}

async function settled(read: () => Promise<number>): Promise<number> {
  const values: number[] = []
  for (let sample = 0; sample < 3; sample++) values.push(await read())
  return median(values)!
}
