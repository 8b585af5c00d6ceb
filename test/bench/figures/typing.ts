import { Device } from '../../helpers/device.ts'
import { wordLength } from '../../helpers/tabs-page/words.ts'
import { until } from '../../helpers/until.ts'
import { inTabs, Pages, Scene, whatRuns } from '../browser/scene.ts'
import { type Task, tasksOf } from '../browser/trace.ts'
import { whenQuiet } from '../systems/machine.ts'
import type { System } from '../systems/system.ts'
import { alternate, type BenchContext, type Figure, Rows, sleep } from './figure.ts'

const perSecond = 200
const typedPerSecond = 5
const sizes = ['empty document', '0.6 MB document'] as const
const words = 60_000

const label = (size: (typeof sizes)[number], what: string) => `${size}: ${what}`

/** How long a person's tab is kept from hearing a key while another tab writes. */
export const typingFigure: Figure = {
  name: 'typing',
  async run(context) {
    const rows = new Rows()
    for (const size of sizes) {
      rows.define(label(size, 'longest task'), 'ms', { kind: 'at-most', limit: 16 })
      rows.define(label(size, 'longest task, by the wall clock'), 'ms')
      rows.define(label(size, 'of that on a CPU'), 'ms')
      rows.define(label(size, 'tasks over 8 ms, by the wall clock'), '')
      rows.define(label(size, 'longest task, nobody else writing'), 'ms')
    }
    const systems = inTabs(context.systems)
    await using pages = await Pages.start(systems)
    for (let repeat = 0; repeat < context.repeats; repeat++) {
      for (const system of alternate(systems, repeat)) {
        for (const size of sizes) await measure(context, system, size, pages, rows)
      }
    }
    return {
      title: `Typing while another tab writes ${perSecond} edits/s`,
      ran:
        `Two visible tabs, each in a window of its own, on one document. A person types ${typedPerSecond} letters/s into the first one, ` +
        `which leads; the other writes ${perSecond} edits/s for ${seconds(context)} s (the local stores compact in that time). The longest task of the main ` +
        'thread of the first, everything in it, from Chromium’s trace: the time for which the thread had a CPU, since with ' +
        'browser, server and database on a few cores it waits for one, too; and by the wall clock. The 0.6 MB document was written by ' +
        `another device, as ${words.toLocaleString('en')} words. ${context.repeats} repeats. ${whatRuns}`,
      rows: rows.all(),
      notes: [],
    }
  },
}

const seconds = ({ quick }: BenchContext) => (quick ? 6 : 15)

async function measure(
  context: BenchContext,
  system: System,
  size: (typeof sizes)[number],
  pages: Pages,
  rows: Rows,
): Promise<void> {
  await using scene = await Scene.start(context, system, pages)
  if (size === '0.6 MB document') await writeWords(scene)
  // Opened first, so it leads: it has the others' edits to send and the store to look after, too.
  const [typist, writer] = await scene.tabs(2, 'typing', { window: 'new' })
  await typist!.startWriting(typedPerSecond)
  await writer!.startWriting(perSecond)
  await sleep(2000)
  await writer!.stopWriting()
  await sleep(3000)
  await whenQuiet(context.quick ? 5000 : 15_000)
  const alone = await tasksOf(scene.device, typist!, () => sleep(4000))
  const tasks = await tasksOf(scene.device, typist!, async () => {
    await writer!.startWriting(perSecond)
    await sleep(seconds(context) * 1000)
    await writer!.stopWriting()
    // what waits for a pause in the writing belongs to it
    await sleep(3000)
  })
  const [longest] = tasks
  const mostCpu = Math.max(...tasks.map(({ cpu }) => cpu))
  rows.add(label(size, 'longest task'), system.name, mostCpu)
  rows.add(label(size, 'longest task, by the wall clock'), system.name, longest?.wall)
  rows.add(label(size, 'of that on a CPU'), system.name, longest?.cpu)
  rows.add(label(size, 'tasks over 8 ms, by the wall clock'), system.name, tasks.filter(({ wall }) => wall > 8).length)
  rows.add(label(size, 'longest task, nobody else writing'), system.name, Math.max(...alone.map(({ cpu }) => cpu)))
  context.log(`${system.name}, ${size}: ${tasks.length} tasks, ${describe(tasks.slice(0, 4))}`)
}

const describe = (tasks: readonly Task[]): string =>
  tasks.map(({ wall, cpu }) => `${wall.toFixed(1)} (${cpu.toFixed(1)}) ms`).join(', ')

async function writeWords(scene: Scene): Promise<void> {
  await using other = await Device.start()
  const tab = await scene.blankTab({ on: other })
  await tab.open({ url: scene.server.url, document: 'typing' })
  await tab.synced()
  await tab.page.evaluate(async (words) => {
    for (let section = 0; section < 5; section++) {
      const writer = window.tab.wordsOf(section)
      for (let written = 0; written < words / 5; written += 500) {
        window.tab.doc.transact(() => writer.write(500))
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    }
  }, words)
  await until(
    'the document is written',
    async () => {
      const now = await tab.read((page) => ({ letters: page.letters(), pendingCount: page.status().pendingCount }))
      return now.letters === words * wordLength && now.pendingCount === 0
    },
    { timeout: 60_000 },
  )
}
