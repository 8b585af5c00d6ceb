import * as Y from 'yjs'
import { IndexeddbStore } from '../../../client/src/store/indexeddb-store.ts'
import { systemClock } from '@tidemark/shared'
import { browserWorld } from '../../../client/src/tabs/browser-world.ts'
import { openDatabase, updatesStore, completionOf, resultOf } from '../../../client/src/store/idb.ts'

const events = { failed: (e: unknown) => console.log('failed', String(e)), recovered() {}, lost() { console.log('lost') } }
function open(name: string, doc = new Y.Doc(), clock = systemClock) {
  return { doc, store: new IndexeddbStore({ document: name, doc, opening: Math.random().toString(36) }, { namespace: '', clock, openTimeLimit: 20000, tabs: browserWorld }, events) }
}
function lagMeter() {
  let last = performance.now(); let max = 0; let over8 = 0; let on = true
  const gaps: number[] = []
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = () => { const now = performance.now(); const gap = now - last; if (gap > max) max = gap; if (gap > 8) gaps.push(+gap.toFixed(1)); last = now; if (on) port2.postMessage(0) }
  port2.postMessage(0)
  return () => { on = false; port1.close(); return { max: +max.toFixed(1), gaps: gaps.sort((a, b) => b - a).slice(0, 8) } }
}
function make() {
  const docs = Array.from({ length: 5 }, () => new Y.Doc())
  const rows: Uint8Array[] = []
  for (const d of docs) d.on('update', (u: Uint8Array, o: unknown) => { if (o !== 'r') { rows.push(u); for (const e of docs) if (e !== d) Y.applyUpdate(e, u, 'r') } })
  for (let i = 0; i < 60000; i++) {
    const d = docs[Math.floor(i / 10) % 5]!
    const t = d.getText('t')
    t.insert(i % 3 === 0 ? Math.floor(Math.random() * (t.length + 1)) : t.length, 'lorem ipsu')
  }
  return { rows, doc: docs[0]! }
}
const wait = (ms: number) => new Promise((r) => setTimeout(r, ms))
;(globalThis as any).go = async () => {
  const out: Record<string, unknown> = {}
  const { rows, doc } = make()
  const snap = Y.encodeStateAsUpdate(doc)
  out.snap = snap.length
  const times: number[] = []
  for (let i = 0; i < 5; i++) { const d = new Y.Doc(); const t = performance.now(); Y.applyUpdate(d, snap); times.push(+(performance.now() - t).toFixed(1)); await wait(50) }
  out.applyUpdate = times
  { const t = performance.now(); Y.encodeStateAsUpdate(doc); out.encode = performance.now() - t }
  // raw rows
  const { database } = await openDatabase('raw')
  const tx = database.transaction(updatesStore, 'readwrite'); for (const r of rows) tx.objectStore(updatesStore).add(r); await completionOf(tx); database.close()
  await wait(500)
  for (let i = 0; i < 2; i++) {
    const meter = lagMeter(); const t = performance.now(); const a = open('raw'); await a.store.load(); out['load60k' + i] = { ms: performance.now() - t, ...meter() }
    if (i === 0) {
      const m = lagMeter(); const t2 = performance.now(); a.store.setCaretaker(true)
      for (;;) { await wait(200); const { database } = await openDatabase('raw'); const n = await resultOf(database.transaction(updatesStore).objectStore(updatesStore).count()); database.close(); if (n === 1) break; if (performance.now() - t2 > 20000) { out.stuck = n; break } }
      out.compact = { ms: performance.now() - t2, ...m() }
    }
    await a.store.close()
    await wait(200)
  }
  const loads: number[] = []
  for (let i = 0; i < 5; i++) { const t = performance.now(); const a = open('raw'); await a.store.load(); loads.push(+(performance.now() - t).toFixed(1)); await a.store.close(); await wait(50) }
  out.loadSnapshot = loads
  // add 500 rows by another tab's doc, load
  const b = open('raw'); await b.store.load()
  const w: Promise<void>[] = []
  b.doc.on('update', (u: Uint8Array) => w.push(b.store.append(u, null)))
  for (let i = 0; i < 1300; i++) b.doc.getText('t').insert(i * 3, 'x'); await Promise.all(w)
  const tails: number[] = []
  for (let i = 0; i < 5; i++) { const t = performance.now(); const a = open('raw'); await a.store.load(); tails.push(+(performance.now() - t).toFixed(1)); await a.store.close(); await wait(50) }
  out.loadWithTail1300 = tails
  // second tab compacts: foreign snapshot
  const c = open('raw'); await c.store.load()
  b.store.setCaretaker(true)
  await wait(4000)
  b.store.setCaretaker(false)
  for (const row of [1]) void row
  for (let i = 0; i < 1400; i++) { b.doc.getText('t').delete(i, 1) }
  await Promise.all(w)
  const sync = Y.encodeStateAsUpdate(b.doc, Y.encodeStateVector(c.doc)); Y.applyUpdate(c.doc, sync)
  await wait(1000)
  const m = lagMeter(); c.store.setCaretaker(true); await wait(4000); out.secondTabCompacts = m()
  const { database: d2 } = await openDatabase('raw'); out.rowsLeft = await resultOf(d2.transaction(updatesStore).objectStore(updatesStore).count()); d2.close()
  return out
}
