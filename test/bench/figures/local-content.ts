import { storedUpdates } from '../../helpers/stored.ts'
import type { Tab } from '../../helpers/tab.ts'
import { wordLength } from '../../helpers/tabs-page/words.ts'
import { until, within } from '../../helpers/until.ts'
import { inTabs, Pages, Scene, whatRuns } from '../browser/scene.ts'
import { whenQuiet } from '../systems/machine.ts'
import type { System } from '../systems/system.ts'
import { alternate, type BenchContext, type Figure, Rows, sleep } from './figure.ts'

const tabCount = 5
/** Both clients compact when nothing was written for a second. */
const pauseMs = 3000

const metrics = {
  content: 'time to local content',
  applyUpdate: 'Y.applyUpdate of one snapshot of it, there',
  toApplyUpdate: 'the first ÷ the second',
  toByHand: 'the first ÷ by hand',
  byHand: 'by hand: open the database, read, apply',
  rows: 'rows stored as the tabs are closed',
  bytes: 'bytes stored as the tabs are closed',
} as const

/** How long a document that five tabs have written takes to open from the local store. */
export const localContentFigure: Figure = {
  name: 'local-content',
  async run(context) {
    const rows = new Rows()
    rows.define(metrics.content, 'ms', { kind: 'ratio', limit: 0.35 })
    rows.define(metrics.applyUpdate, 'ms')
    rows.define(metrics.toApplyUpdate, '×', { kind: 'at-most', limit: 1.1 })
    rows.define(metrics.byHand, 'ms')
    rows.define(metrics.toByHand, '×')
    rows.define(metrics.rows, '')
    rows.define(metrics.bytes, 'B')
    const { rounds, openings } = extent(context)
    const insertions = wordsOfAll(context)
    const systems = inTabs(context.systems)
    await using pages = await Pages.start(systems)
    const written: Written[] = []
    try {
      for (const system of systems) written.push(await write(context, system, pages))
      for (const one of written) {
        rows.add(metrics.rows, one.system.name, one.stored.rows)
        rows.add(metrics.bytes, one.system.name, one.stored.bytes)
      }
      await whenQuiet(context.quick ? 5000 : 15_000)
      for (let opening = 0; opening < openings; opening++) {
        for (const system of alternate(systems, opening)) {
          const one = written.find((one) => one.system === system)!
          const content = await openLocally(one)
          const applied = await applySnapshot(one, pages)
          const byHand = await readByHand(one)
          rows.add(metrics.content, system.name, content)
          rows.add(metrics.applyUpdate, system.name, applied)
          rows.add(metrics.toApplyUpdate, system.name, content / applied)
          rows.add(metrics.byHand, system.name, byHand)
          rows.add(metrics.toByHand, system.name, content / byHand)
          context.log(
            `${system.name} opening ${opening + 1}: ${content.toFixed(1)} ms; applyUpdate ${applied.toFixed(1)} ms; ` +
              `by hand ${byHand.toFixed(1)} ms`,
          )
        }
      }
    } finally {
      for (const { scene } of written) await scene[Symbol.asyncDispose]()
    }
    return {
      title: `Time to local content: a text of ${((insertions * wordLength) / 1e6).toFixed(2)} MB`,
      ran:
        `${tabCount} tabs, each in a window of its own, write ${insertions.toLocaleString('en')} words of ${wordLength} letters, each ` +
        `in a transaction of its own, each tab into a section of its own, in ${rounds} rounds, each when ` +
        `everything of the last one is saved and stored; ${pauseMs / 1000} s later each writes ${lastWords} more and is closed as soon as they are ` +
        `saved and stored, and the server is killed. Then, ${openings} times, in a new tab that has loaded ` +
        'its page: from the call that opens the document (IndexeddbPersistence and provider, or createClient and open) ' +
        'until every letter is in the Y.Doc and the tab is free to draw them; in another new tab: Y.applyUpdate of one snapshot of the same document, ' +
        'already in memory, into a new Y.Doc; and in another one: IndexedDB alone, without any client. Medians. ' +
        `${whatRuns}`,
      rows: rows.all(),
      notes: [],
    }
  },
}

const extent = ({ quick }: BenchContext) =>
  quick ? { rounds: 2, wordsARound: 580, openings: 3 } : { rounds: 10, wordsARound: 1196, openings: 9 }
/** Of each tab, after a pause and just before it is closed. */
const lastWords = 40

const wordsOfAll = (context: BenchContext): number => {
  const { rounds, wordsARound } = extent(context)
  return (rounds * wordsARound + lastWords) * tabCount
}

interface Written {
  readonly system: System
  readonly scene: Scene
  readonly letters: number
  readonly snapshot: Uint8Array
  readonly stored: { readonly rows: number; readonly bytes: number }
}

const documentName = 'written-by-five'

async function write(context: BenchContext, system: System, pages: Pages): Promise<Written> {
  const { rounds, wordsARound } = extent(context)
  const scene = await Scene.start(context, system, pages)
  try {
    const started = performance.now()
    const blank = await scene.blankTab()
    const tabs = await scene.tabs(tabCount, documentName, { window: 'new' })
    let letters = 0
    const writeAndStore = async (words: number) => {
      letters += words * tabCount * wordLength
      await Promise.all(tabs.map((tab, index) => writeRound(tab, index, words)))
      for (const tab of tabs) await whenSaved(tab, letters)
      // IndexedDB reads after what was written before: with this everything is stored, too
      return storedUpdates(blank)
    }
    for (let round = 0; round < rounds; round++) await writeAndStore(wordsARound)
    await sleep(pauseMs)
    const stored = await writeAndStore(lastWords)
    const snapshot = await tabs[0]!.read(({ doc }) => [...window.Y.encodeStateAsUpdate(doc)])
    for (const tab of tabs) await tab.close()
    await scene.server.process.kill()
    context.log(
      `${system.name}: written in ${Math.round((performance.now() - started) / 1000)} s, ${stored.rows} rows, ` +
        `${stored.bytes} bytes; one snapshot has ${snapshot.length}`,
    )
    return { system, scene, letters, snapshot: Uint8Array.from(snapshot), stored }
  } catch (error) {
    await scene[Symbol.asyncDispose]()
    throw error
  }
}

/** As fast as the tab can while it still lets others have their turn. */
async function writeRound(tab: Tab, section: number, words: number): Promise<void> {
  await tab.page.evaluate(
    async ({ section, words }) => {
      const writer = (window.words ??= window.tab.wordsOf(section))
      for (let written = 0; written < words; written += 20) {
        writer.write(Math.min(20, words - written))
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    },
    { section, words },
  )
}

async function whenSaved(tab: Tab, letters: number): Promise<void> {
  await until(
    'every tab has every word, and everything is acknowledged',
    async () => {
      const now = await tab.read((page) => ({ letters: page.letters(), pendingCount: page.status().pendingCount }))
      return now.letters === letters && now.pendingCount === 0
    },
    { timeout: 60_000, interval: 100 },
  )
}

async function openLocally({ scene, letters }: Written): Promise<number> {
  const tab = await scene.blankTab()
  const opening = tab.page.evaluate(({ letters, options }) => window.tab.openUntil(letters, options), {
    letters,
    options: { url: scene.server.url, document: documentName },
  })
  const ms = await within(`${letters} letters come from the local store`, 30_000, opening)
  // it may have something to tidy up, as it has while a person reads
  await sleep(2000)
  await tab.close()
  return ms
}

/** The same without any client: opens the database, reads what is in it, applies it. */
async function readByHand({ scene, letters }: Written): Promise<number> {
  const tab = await scene.blankTab()
  const { ms, found } = await tab.page.evaluate(async (document) => {
    const all = await indexedDB.databases()
    const name = all.map(({ name }) => name!).find((name) => name.endsWith(document))!
    const resultOf = <Value>(request: IDBRequest<Value>) =>
      new Promise<Value>((resolve, reject) => {
        request.onsuccess = () => resolve(request.result)
        request.onerror = () => reject(request.error)
      })
    const { Y, tab } = window
    const start = performance.now()
    const database = await resultOf(indexedDB.open(name))
    const rows = await resultOf<Uint8Array[]>(database.transaction('updates').objectStore('updates').getAll())
    Y.transact(tab.doc, () => {
      for (const row of rows) Y.applyUpdate(tab.doc, row)
    })
    const ms = performance.now() - start
    database.close()
    return { ms, found: tab.letters() }
  }, documentName)
  await tab.close()
  if (found !== letters) throw new Error(`the local store holds ${found} letters, not ${letters}`)
  return ms
}

async function applySnapshot({ scene, snapshot, system }: Written, pages: Pages): Promise<number> {
  const url = pages.server.put(`${system.name}.bin`, snapshot)
  const tab = await scene.blankTab()
  const ms = await tab.page.evaluate(async (url) => {
    const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer())
    await new Promise((resolve) => setTimeout(resolve, 50))
    const start = performance.now()
    window.Y.applyUpdate(new window.Y.Doc(), bytes)
    return performance.now() - start
  }, url)
  await tab.close()
  return ms
}

declare global {
  interface Window {
    words?: { write(words: number): void }
  }
}
