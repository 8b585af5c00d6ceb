import { ask } from './api.js'
import { byId, element, foreign } from './dom.js'
import { ago, count, integer, size } from './format.js'
import { addressOf, shownDocument } from './route.js'

const pageLength = 50

let running = null
let next = null

/** Shows the first page of what the search field says. */
export async function showList(onRefusal) {
  await load(null, onRefusal)
}

/** Adds the page after the last one shown, and moves on to its first row. */
export async function showMore(onRefusal) {
  const rows = byId('rows')
  const shown = rows.childElementCount
  await load(next, onRefusal)
  rows.children[shown]?.querySelector('a')?.focus()
}

/** Marks the row of the document whose details are shown. */
export function markShown() {
  const name = shownDocument()
  for (const row of byId('rows').children) {
    if (row.dataset.name === name) row.setAttribute('aria-current', 'true')
    else row.removeAttribute('aria-current')
  }
}

export function focusRow(name) {
  const row = [...byId('rows').children].find((row) => row.dataset.name === name)
  const target = row?.querySelector('a') ?? byId('search')
  target.focus()
}

async function load(cursor, onRefusal) {
  // what was asked before is not what is wanted now
  running?.abort()
  running = new AbortController()
  const { signal } = running
  const search = byId('search').value.trim()
  const query = new URLSearchParams({ limit: String(pageLength) })
  if (search !== '') query.set('search', search)
  if (cursor !== null) query.set('cursor', cursor)
  try {
    const page = await ask(`/documents?${query}`, signal)
    if (signal.aborted) return
    const rows = page.documents.map(rowOf)
    if (cursor === null) byId('rows').replaceChildren(...rows)
    else byId('rows').append(...rows)
    next = page.next
    showRows(search)
    markShown()
  } catch (error) {
    if (!signal.aborted) onRefusal(error)
  }
}

function rowOf(document) {
  const { name, head, snapshot, tail, updatedAt, sessions } = document
  const row = element(
    'tr',
    {},
    element('td', {}, element('a', { class: 'name', href: addressOf(name) }, foreign(name))),
    sessions > 0
      ? element('td', { class: 'live' }, count(sessions, 'session'))
      : element('td', { class: 'quiet' }, 'nobody'),
    element('td', { class: 'number', 'data-label': 'Revision' }, integer(head)),
    element('td', { class: 'number', 'data-label': 'Size' }, size((snapshot?.bytes ?? 0) + tail.bytes)),
    element('td', { 'data-label': 'Changed' }, head === 0 ? 'never' : ago(updatedAt)),
  )
  row.dataset.name = name
  return row
}

function showRows(search) {
  const { childElementCount: shown } = byId('rows')
  byId('documents').hidden = shown === 0
  byId('more-line').hidden = next === null
  byId('list-status').textContent = `${count(shown, 'document')}${next === null ? '' : ', and more'}`
  if (shown > 0) byId('list-message').hidden = true
  else if (search !== '') {
    const clear = element('button', { class: 'button', type: 'button', onclick: clearSearch }, 'Show all documents')
    showMessage('Nothing found', ['No document’s name contains “', foreign(search), '”.'], clear)
  } else {
    const open = element('a', { class: 'button', href: '/' }, 'Open the demo page')
    showMessage('No documents yet', ['A document appears here as soon as somebody opens it.'], open)
  }
}

function clearSearch() {
  byId('search').value = ''
  byId('search').dispatchEvent(new Event('input'))
  byId('search').focus()
}

function showMessage(title, text, action) {
  byId('list-message-title').textContent = title
  byId('list-message-text').replaceChildren(...text)
  byId('list-message-action').replaceChildren(action)
  byId('list-message').hidden = false
}
