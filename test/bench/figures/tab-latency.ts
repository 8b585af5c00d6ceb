import type { Tab } from '../../helpers/tab.ts'
import { inTabs, Pages, Scene, whatRuns } from '../browser/scene.ts'
import { summarise } from '../statistics.ts'
import { whenQuiet } from '../systems/machine.ts'
import type { System, SystemName } from '../systems/system.ts'
import { alternate, type BenchContext, type Figure, Rows, sleep } from './figure.ts'

const perSecond = 20
const receivers = ['visible', 'hidden'] as const
const servers = ['server up', 'server gone'] as const

const label = (server: (typeof servers)[number], receiver: (typeof receivers)[number], what: string) =>
  `${server}, to a ${receiver} tab: ${what}`

/** From an edit in one tab to the document of another tab on the same machine. */
export const tabLatencyFigure: Figure = {
  name: 'tab-latency',
  async run(context) {
    const rows = new Rows()
    for (const server of servers) {
      for (const receiver of receivers) {
        rows.define(label(server, receiver, 'p50'), 'ms')
        rows.define(label(server, receiver, 'p99'), 'ms', { kind: 'at-most', limit: 5 })
        rows.define(label(server, receiver, 'arrived'), '%')
      }
    }
    const systems = inTabs(context.systems)
    await using pages = await Pages.start(systems)
    for (let repeat = 0; repeat < context.repeats; repeat++) {
      for (const system of alternate(systems, repeat)) await measure(context, system, pages, rows)
    }
    return {
      title: 'From tab to tab on one machine',
      ran:
        `Three tabs on one empty document: the writer and another tab, each visible in a window of its own, and a hidden ` +
        `one. The writer makes ${perSecond} edits/s, evenly, for ${seconds(context)} s with the server, then the server is killed ` +
        'with -9, and it writes as long again. From just before the edit is made to when it is in the other document, by ' +
        'clocks that the tabs share (timeOrigin + now, to 5 µs). An edit that has not arrived 2 s later never does. ' +
        `${context.repeats} repeats. ${whatRuns}`,
      rows: rows.all(),
      notes: ['In a stock tab the edits of other tabs arrive through the server, or not at all.'],
    }
  },
}

const seconds = ({ quick }: BenchContext) => (quick ? 5 : 20)

async function measure(context: BenchContext, system: System, pages: Pages, rows: Rows): Promise<void> {
  await using scene = await Scene.start(context, system, pages)
  const open = async (name: string, window: 'same' | 'new') => {
    const tab = await scene.blankTab({ window })
    await tab.open({ url: scene.server.url, document: 'latency', name })
    return tab.synced()
  }
  const writer = await open('writer', 'new')
  const hidden = await open('hidden', 'new')
  const front = await scene.blankTab()
  const visible = await open('visible', 'new')
  await front.show()
  const seen = { visible: await visible.isVisible(), hidden: !(await hidden.isVisible()) }
  if (!seen.visible || !seen.hidden || !(await writer.isVisible()))
    throw new Error('the windows do not lie as they should')
  for (const server of servers) {
    if (server === 'server gone') {
      await scene.server.process.kill()
      await sleep(1000)
    }
    await whenQuiet(context.quick ? 5000 : 15_000)
    await write(context, writer, { visible, hidden }, rows, system.name, server)
  }
  context.log(`${system.name}: measured`)
}

async function write(
  context: BenchContext,
  writer: Tab,
  to: Record<(typeof receivers)[number], Tab>,
  rows: Rows,
  system: SystemName,
  server: (typeof servers)[number],
): Promise<void> {
  // the first edits find every line of code cold, and are not what a person who types feels
  await writer.startWriting(perSecond)
  await sleep(1000)
  const first = await writer.stopWriting()
  await writer.startWriting(perSecond)
  await sleep(seconds(context) * 1000)
  const made = (await writer.stopWriting()) - first
  await sleep(2000)
  for (const receiver of receivers) {
    const received = await to[receiver].read(({ edits }) => edits.received)
    const delays = received.filter(({ from, number }) => from === 'writer' && number >= first).map(({ delay }) => delay)
    const summary = summarise(delays)
    rows.add(label(server, receiver, 'p50'), system, summary?.p50)
    rows.add(label(server, receiver, 'p99'), system, summary?.p99)
    rows.add(label(server, receiver, 'arrived'), system, (delays.length / made) * 100)
  }
}
