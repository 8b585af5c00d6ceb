import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { asReceived } from './received.ts'

/** The server's document and its journal, as `documents.ts` writes it. */
function server() {
  const doc = new Y.Doc()
  const rows: Uint8Array[] = []
  let received: Uint8Array | null = null
  doc.on('update', (update: Uint8Array, _origin: unknown, _doc: unknown, transaction: Y.Transaction) =>
    rows.push(asReceived(update, transaction, received)),
  )
  return {
    doc,
    rows,
    receive(update: Uint8Array) {
      received = update
      Y.applyUpdate(doc, update, 'a client')
      received = null
    },
  }
}

/** The strings anywhere in the rows, whether they are visible or not. */
function typedIn(rows: Uint8Array[]): string {
  return rows
    .flatMap((row) => Y.decodeUpdate(row).structs)
    .map((struct) => (struct instanceof Y.Item && struct.content instanceof Y.ContentString ? struct.content.str : ''))
    .join('')
}

function replay(rows: Uint8Array[]): Y.Doc {
  const doc = new Y.Doc()
  for (const row of rows) Y.applyUpdate(doc, row)
  return doc
}

const paragraphs = (doc: Y.Doc) => doc.getXmlFragment('page')

/** Somebody who begins with what the server has. */
function person(of: ReturnType<typeof server>): { doc: Y.Doc; sent: Uint8Array[] } {
  const doc = new Y.Doc()
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(of.doc))
  const sent: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => sent.push(update))
  return { doc, sent }
}

function pageWithParagraph() {
  const world = server()
  const author = new Y.Doc()
  const paragraph = new Y.XmlElement('paragraph')
  paragraph.insert(0, [new Y.XmlText('hello ')])
  paragraphs(author).insert(0, [paragraph])
  world.receive(Y.encodeStateAsUpdate(author))
  return world
}

const textIn = (doc: Y.Doc) => (paragraphs(doc).get(0) as Y.XmlElement).get(0) as Y.XmlText

test('[R1.8] text typed into an element that is deleted at the same time is in the journal', () => {
  const world = pageWithParagraph()
  const [ada, ben] = [person(world), person(world)]
  paragraphs(ada.doc).delete(0)
  textIn(ben.doc).insert(6, 'IMPORTANT')
  for (const update of [...ada.sent, ...ben.sent]) world.receive(update)
  expect(typedIn(world.rows)).toContain('IMPORTANT')
  const again = replay(world.rows)
  expect(paragraphs(again).toString()).toBe(paragraphs(world.doc).toString())
  expect(Y.equalSnapshots(Y.snapshot(again), Y.snapshot(world.doc))).toBe(true)
})

test('[R1.8] of two values for one key at once, the loser is in the journal', () => {
  const world = server()
  const [ada, ben] = [person(world), person(world)]
  ada.doc.getMap('settings').set('title', 'by Ada')
  ben.doc.getMap('settings').set('title', 'by Ben')
  for (const update of [...ada.sent, ...ben.sent]) world.receive(update)
  const kept = world.rows.flatMap((row) => Y.decodeUpdate(row).structs).map((struct) => JSON.stringify(struct))
  expect(kept.join()).toContain('by Ada')
  expect(kept.join()).toContain('by Ben')
  expect(replay(world.rows).getMap('settings').toJSON()).toEqual(world.doc.getMap('settings').toJSON())
})

test('[R1.8] what the document had before is not stored again with it', () => {
  const world = pageWithParagraph()
  const [ada, ben] = [person(world), person(world)]
  textIn(ben.doc).insert(6, 'x'.repeat(5_000))
  world.receive(ben.sent[0] as Uint8Array)
  paragraphs(ada.doc).delete(0)
  world.receive(ada.sent[0] as Uint8Array)
  textIn(ben.doc).insert(0, 'late')
  // all that Ben ever did, as after a reconnection of a client that does not know what the server has
  world.receive(Y.encodeStateAsUpdate(ben.doc))
  expect(typedIn(world.rows.slice(-1))).toBe('late')
})

test('[R1.8] an update that brings no holes is stored as Yjs tells it', () => {
  const world = pageWithParagraph()
  const ben = person(world)
  textIn(ben.doc).insert(6, 'world')
  textIn(ben.doc).delete(0, 2)
  const before = world.rows.length
  for (const update of ben.sent) world.receive(update)
  expect(world.rows.slice(before)).toEqual(ben.sent)
})

test('[R1.8] random lives: the journal replays to what the server has, and holds all that was typed', () => {
  for (let seed = 1; seed <= 60; seed++) {
    let state = seed
    const random = (below: number) => {
      state = (state * 1103515245 + 12345) % 2147483648
      return state % below
    }
    const world = pageWithParagraph()
    const people = [person(world), person(world), person(world)]
    const typed: string[] = []
    const sent = new Set<Uint8Array>()
    const deliver = ({ sent: mine }: (typeof people)[number]) => {
      for (const update of mine) if (!sent.has(update)) world.receive(update)
      for (const update of mine) sent.add(update)
    }
    for (let step = 0; step < 60; step++) {
      const who = people[random(3)] as (typeof people)[number]
      const page = paragraphs(who.doc)
      const what = random(10)
      if (what < 2) page.insert(random(page.length + 1), [new Y.XmlElement('paragraph')])
      else if (what === 2 && page.length > 0) page.delete(random(page.length))
      else if (what < 7 && page.length > 0) {
        const word = `<${seed}.${step}>`
        const paragraph = page.get(random(page.length)) as Y.XmlElement
        paragraph.insert(0, [new Y.XmlText(word)])
        typed.push(word)
      } else if (what === 7) deliver(who)
      else if (what === 8) {
        const before = who.sent.length
        Y.applyUpdate(who.doc, Y.encodeStateAsUpdate(world.doc, Y.encodeStateVector(who.doc)))
        who.sent.splice(before)
      }
    }
    for (const who of people) deliver(who)
    const again = replay(world.rows)
    expect(Y.equalSnapshots(Y.snapshot(again), Y.snapshot(world.doc)), `seed ${seed}`).toBe(true)
    expect(paragraphs(again).toString(), `seed ${seed}`).toBe(paragraphs(world.doc).toString())
    const kept = typedIn(world.rows)
    // what a person wrote and deleted again by themselves before it was sent may be gone: they sent it as a hole
    const lost = typed.filter(
      (word) => !kept.includes(word) && people.every(({ sent }) => !typedIn(sent).includes(word)),
    )
    expect(
      typed.filter((word) => !kept.includes(word)),
      `seed ${seed}`,
    ).toEqual(lost)
  }
})
