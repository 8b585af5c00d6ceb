import { storedUpdates } from '../../helpers/stored.ts'
import { TcpProxy } from '../../helpers/tcp-proxy.ts'
import { until } from '../../helpers/until.ts'
import { inTabs, Pages, Scene, whatRuns } from '../browser/scene.ts'
import type { System } from '../systems/system.ts'
import { alternate, type BenchContext, type Figure, Rows, sleep } from './figure.ts'

const tabCount = 5
const edits = 200

/** What five tabs on one document cost: sockets, and stored rows. */
export const tabsFigure: Figure = {
  name: 'tabs',
  async run(context) {
    const rows = new Rows()
    rows.define('sockets', '', { kind: 'at-most', limit: 1 })
    rows.define('rows added', '', { kind: 'at-most', limit: 205 })
    rows.define('rows stored', '', { kind: 'at-most', limit: 205 })
    rows.define('bytes stored', 'B')
    const systems = inTabs(context.systems)
    await using pages = await Pages.start(systems)
    for (let repeat = 0; repeat < context.repeats; repeat++) {
      for (const system of alternate(systems, repeat)) await measure(context, system, pages, rows)
    }
    return {
      title: `${tabCount} tabs on one document`,
      ran:
        `${tabCount} tabs of one window open an empty document, then take turns to make ${edits} edits, one each 20 ms. ` +
        'Sockets are those that a proxy in front of the server carries; rows are those in the stores of updates in ' +
        `IndexedDB, when everything is acknowledged, and all that were ever added there. ${whatRuns}`,
      rows: rows.all(),
      notes: [],
    }
  },
}

async function measure(context: BenchContext, system: System, pages: Pages, rows: Rows): Promise<void> {
  await using scene = await Scene.start(context, system, pages, ['127.0.0.1'])
  const address = new URL(scene.server.url)
  await using proxy = await TcpProxy.to(Number(address.port))
  address.port = String(proxy.port)
  const tabs = await scene.tabs(tabCount, 'tabs', { url: address.href })
  for (let edit = 0; edit < edits; edit++) {
    await tabs[edit % tabCount]!.write()
    await sleep(20)
  }
  for (const tab of tabs) {
    await until('everything is everywhere, and acknowledged', async () => {
      const { length, pendingCount } = await tab.read((page) => ({
        length: page.edits.all().length,
        pendingCount: page.status().pendingCount,
      }))
      return length === edits && pendingCount === 0
    })
  }
  await sleep(500)
  const sockets = proxy.connections
  const stored = await storedUpdates(await scene.blankTab())
  rows.add('sockets', system.name, sockets)
  rows.add('rows added', system.name, stored.added)
  rows.add('rows stored', system.name, stored.rows)
  rows.add('bytes stored', system.name, stored.bytes)
  context.log(`${system.name}: ${sockets} sockets, ${stored.added} rows added, ${stored.rows} kept`)
}
