import type { Tab } from '../../helpers/tab.ts'
import { until } from '../../helpers/until.ts'
import { inTabs, Pages, Scene, whatRuns } from '../browser/scene.ts'
import { openReplica, type Replica } from '../load/replica.ts'
import type { System } from '../systems/system.ts'
import { alternate, type BenchContext, type Figure, Rows, sleep } from './figure.ts'

const tabCount = 3
const perSecond = 20
const ways = ['closed', 'crashed'] as const
type Way = (typeof ways)[number]

const label = (way: Way, what: string) => `${way}: ${what}`

/** What the other tabs notice when the one whose socket carries the document goes away while all of them write. */
export const leaderGoneFigure: Figure = {
  name: 'leader-gone',
  async run(context) {
    const rows = new Rows()
    for (const way of ways) {
      rows.define(label(way, 'longest gap in acks'), 'ms', { kind: 'at-most', limit: 1000 })
      rows.define(label(way, 'longest gap at a peer elsewhere'), 'ms')
      rows.define(label(way, 'edits lost'), '', { kind: 'at-most', limit: 0 })
      rows.define(label(way, 'edits doubled'), '', { kind: 'at-most', limit: 0 })
      rows.define(label(way, 'edits made'), '')
    }
    const systems = inTabs(context.systems)
    await using pages = await Pages.start(systems)
    for (let repeat = 0; repeat < context.repeats; repeat++) {
      for (const system of alternate(systems, repeat)) {
        for (const way of ways) await measure(context, system, way, pages, rows)
      }
    }
    return {
      title: 'The leading tab goes away while all tabs write',
      ran:
        `${tabCount} visible tabs, each in a window of its own, write ${perSecond} edits/s each into one document. After 3 s the tab ` +
        'that holds the socket (of stock: the first) is closed without asking, or its renderer is crashed; the others ' +
        'write on for 4 s. The longest time, from 1 s before to 4 s after, without an acknowledgement in a remaining ' +
        'tab, and without an edit of a remaining tab arriving at a provider in another process. Lost: edits that were ' +
        'made before the tab went away, or in a remaining tab, and are not on the server when the others have drained. ' +
        `${context.repeats} repeats. ${whatRuns}`,
      rows: rows.all(),
      notes: ['A remaining tab of stock has a socket of its own, and nobody to send what the closed tab left unsent.'],
    }
  },
}

async function measure(context: BenchContext, system: System, way: Way, pages: Pages, rows: Rows): Promise<void> {
  await using scene = await Scene.start(context, system, pages)
  const peer = openReplica(system.protocol, scene.server.url, 'leaving')
  try {
    await peer.whenSynced
    const arrivals = watch(peer)
    const tabs = await scene.tabs(tabCount, 'leaving', { window: 'new' })
    for (const tab of tabs) await tab.startWriting(perSecond)
    await sleep(3000)
    const leader = await socketHolder(tabs)
    const others = tabs.filter((tab) => tab !== leader)
    const { name, made } = await leader.read(({ edits }) => ({ name: edits.name, made: edits.made }))
    const gone = wallClock()
    await (way === 'closed' ? leader.close() : leader.crash())
    await sleep(4000)
    const until = wallClock()
    const kept = await drained(others)
    const expected = [{ name, made }, ...kept].flatMap(({ name, made }) => numbered(name, made))
    const found = await onServer(system, scene.server.url)
    const unique = new Set(found)
    const lost = expected.filter((edit) => !unique.has(edit)).length
    const gaps = kept.map(({ acknowledgedAt }) => longestGap(acknowledgedAt, gone - 1000, until))
    const peerGaps = kept.map(({ name }) => longestGap(arrivals.get(name) ?? [], gone - 1000, until))
    rows.add(label(way, 'longest gap in acks'), system.name, Math.max(...gaps))
    rows.add(label(way, 'longest gap at a peer elsewhere'), system.name, Math.max(...peerGaps))
    rows.add(label(way, 'edits lost'), system.name, lost)
    rows.add(label(way, 'edits doubled'), system.name, found.length - unique.size)
    rows.add(label(way, 'edits made'), system.name, expected.length)
    context.log(`${system.name} ${way}: gap ${Math.round(Math.max(...gaps))} ms, ${lost} lost of ${expected.length}`)
  } finally {
    peer.close()
  }
}

/** The same clock as the tabs'. */
const wallClock = (): number => performance.timeOrigin + performance.now()

async function socketHolder(tabs: readonly Tab[]): Promise<Tab> {
  for (const tab of tabs) if ((await tab.read((page) => page.openSockets)) > 0) return tab
  throw new Error('no tab has a socket')
}

interface Kept {
  readonly name: string
  readonly made: number
  readonly acknowledgedAt: readonly number[]
}

async function drained(tabs: readonly Tab[]): Promise<Kept[]> {
  for (const tab of tabs) await tab.stopWriting()
  for (const tab of tabs) {
    await until('the remaining tabs have drained', async () => (await tab.status()).pendingCount === 0, {
      timeout: 30_000,
    })
  }
  return Promise.all(
    tabs.map((tab) =>
      tab.read(({ edits, acknowledgedAt }) => ({ name: edits.name, made: edits.made, acknowledgedAt })),
    ),
  )
}

const numbered = (name: string, made: number): string[] => Array.from({ length: made }, (_, edit) => `${name}#${edit}`)

/** When the edits of each author arrived. */
function watch({ doc }: Replica): Map<string, number[]> {
  const arrivals = new Map<string, number[]>()
  doc.getArray<string>('edits').observe(({ changes }) => {
    const at = wallClock()
    for (const item of changes.added) {
      for (const edit of item.content.getContent()) {
        const name = String(edit).split('#')[0]!
        arrivals.set(name, [...(arrivals.get(name) ?? []), at])
      }
    }
  })
  return arrivals
}

/** Everything that a newcomer is given. */
async function onServer(system: System, url: string): Promise<string[]> {
  const reader = openReplica(system.protocol, url, 'leaving')
  try {
    await reader.whenSynced
    return reader.doc
      .getArray<string>('edits')
      .toArray()
      .map((edit) => edit.slice(0, edit.indexOf('@')))
  } finally {
    reader.close()
  }
}

function longestGap(times: readonly number[], from: number, to: number): number {
  const inside = [from, ...times.filter((time) => time > from && time < to), to]
  return Math.max(...inside.slice(1).map((time, index) => time - inside[index]!))
}
