import { LoadProcess } from '../load/load-process.ts'
import type { System } from '../systems/system.ts'
import { type BenchContext, type Figure, Rows, sleep, withLoad } from './figure.ts'
import { largeDocumentBytes } from './large-documents.ts'

const editsPerSecond = 2
/** Postgres writes whole pages after each checkpoint; by default there is one every five minutes. */
const checkpointsPerHour = 12

/** Bytes that Postgres writes for each edit of a large document, over an hour of typing. */
export const bytesPerEditFigure: Figure = {
  name: 'bytes-per-edit',
  async run(context) {
    const rows = new Rows()
    rows.define('bytes written to Postgres for each edit', 'B', { kind: 'at-most', limit: 1024 })
    rows.define('tables and indexes grew by, for each edit', 'B')
    rows.define('page images in the log', '')
    rows.define('edits', '')
    const { hours, hurry } = extent(context)
    for (const system of context.systems.filter(({ stores }) => stores)) await measure(context, system, rows)
    return {
      title: 'Bytes written to Postgres for each edit of a 1.3 MB document',
      ran:
        `One document of 1.3 MB, already stored; ${editsPerSecond} one-letter edits/s for ${hours} h, simulated ` +
        `${hurry} times as fast with the stores’ debounces (2 s, 10 s) and the five-minute checkpoints ${hurry} times ` +
        'as fast too. Bytes are those of the write-ahead log (every row, index entry, commit and page image; the ' +
        'snapshots that fall due are in it). One run.',
      rows: rows.all(),
      notes: context.quick ? ['The quick run is too short to meet a snapshot at its true frequency.'] : [],
    }
  },
}

const extent = ({ quick }: BenchContext) => (quick ? { hours: 0.1, hurry: 50 } : { hours: 1, hurry: 100 })

async function measure(context: BenchContext, system: System, rows: Rows): Promise<void> {
  const { postgres } = context
  const { hours, hurry } = extent(context)
  const seconds = (hours * 3600) / hurry
  const database = await postgres.createDatabase()
  const { process, url } = await system.start({ database, hurry })
  try {
    await withLoad(new LoadProcess(), async (load) => {
      const order = { protocol: system.protocol, url, readers: false, seedBytes: largeDocumentBytes }
      await load.do('connect', { ...order, names: ['hour'] })
      await sleep(3500)
      await postgres.checkpoint()
      const read = async () => ({
        written: await postgres.writtenBytes(),
        images: await postgres.pageImages(),
        stored: await postgres.storedBytes(database),
      })
      const before = await read()
      const checkpoints = setInterval(() => void postgres.checkpoint(), (seconds * 1000) / (checkpointsPerHour * hours))
      const result = await load.do('write', { perSecond: editsPerSecond * hurry, seconds, seed: 3 })
      clearInterval(checkpoints)
      await sleep(1000)
      const after = await read()
      const written = after.written - before.written
      rows.add('bytes written to Postgres for each edit', system.name, written / result.edits)
      rows.add('tables and indexes grew by, for each edit', system.name, (after.stored - before.stored) / result.edits)
      rows.add('page images in the log', system.name, after.images - before.images)
      rows.add('edits', system.name, result.edits)
      context.log(`${system.name}: ${Math.round(written / result.edits)} B per edit over ${result.edits} edits`)
    })
  } finally {
    await process.kill()
  }
}
