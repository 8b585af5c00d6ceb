import { ask } from './api.js'
import { byId, element, fact, foreign } from './dom.js'
import { ago, count, integer, size } from './format.js'
import { pageOf, shownDocument } from './route.js'

let running = null
/** The document whose details are on the page. */
let shown = null

/** Shows what the address names, or closes the pane. @returns the name that was shown before */
export async function showDetails(onRefusal) {
  const name = shownDocument()
  const before = shown
  running?.abort()
  running = new AbortController()
  const { signal } = running
  if (name === null) {
    close()
    return before
  }
  try {
    const found = await ask(`/documents/${encodeURIComponent(name)}`, signal)
    if (!signal.aborted) show(name, detailsOf(found))
  } catch (error) {
    if (signal.aborted) return before
    const isHere = error.code === 'not-found' || error.code === 'document-name-invalid'
    if (isHere) show(name, [element('p', { class: 'hint' }, error.message)])
    else onRefusal(error)
  }
  return before
}

export function close() {
  shown = null
  byId('details').hidden = true
  byId('details').replaceChildren()
  delete byId('panes').dataset.details
}

function show(name, content) {
  const title = element('h2', { id: 'details-title', tabindex: '-1' }, foreign(name))
  const pane = byId('details')
  const keepsFocus = shown === name && !pane.contains(document.activeElement)
  pane.replaceChildren(
    element(
      'div',
      { class: 'details-head' },
      title,
      element('button', { class: 'button', type: 'button', onclick: () => location.assign('#') }, 'Close'),
    ),
    ...content,
  )
  pane.hidden = false
  byId('panes').dataset.details = ''
  shown = name
  if (!keepsFocus) title.focus()
}

function detailsOf(found) {
  const { name, head, epoch, snapshot, tail, journal, createdAt, updatedAt, sessions, quarantined } = found
  const epochFact = fact('Epoch (id of this history)', element('code', {}, epoch))
  epochFact.className = 'wide'
  return [
    element(
      'p',
      { class: 'details-actions' },
      element('a', { class: 'button', href: pageOf(name), target: '_blank', rel: 'noopener' }, 'Open the document'),
    ),
    element('h3', {}, 'Stored'),
    element(
      'dl',
      { class: 'facts' },
      fact('Revision', integer(head)),
      fact('Last change', head === 0 ? 'never' : ago(updatedAt)),
      fact('Snapshot', ...snapshotText(snapshot)),
      fact('Journal after it', `${count(tail.updates, 'update')}, ${size(tail.bytes)}`),
      fact('Whole journal', `${count(journal.updates, 'update')}, ${size(journal.bytes)}`),
      fact('Created', ago(createdAt)),
      epochFact,
    ),
    element('h3', {}, `Open now (${sessions.length})`),
    peopleList(sessions),
    element('h3', {}, `Quarantine (${quarantined.length})`),
    ...quarantineOf(quarantined),
  ]
}

function snapshotText(snapshot) {
  if (snapshot === null) return ['none yet']
  return [`revision ${integer(snapshot.revision)}, ${size(snapshot.bytes)}, `, ago(snapshot.createdAt)]
}

function peopleList(sessions) {
  if (sessions.length === 0) return element('p', { class: 'hint' }, 'Nobody has it open on this server.')
  return element(
    'ul',
    { class: 'people' },
    ...sessions.map(({ userId, userName, level, since }) =>
      element(
        'li',
        {},
        element('span', {}, foreign(userName ?? userId), ...(userName ? [' ', idOf(userId)] : [])),
        element('span', { class: 'quiet' }, level ? `${level}, since ` : 'since ', ago(since)),
      ),
    ),
  )
}

function idOf(userId) {
  return element('span', { class: 'quiet' }, '(', foreign(userId), ')')
}

function quarantineOf(rows) {
  if (rows.length === 0) return [element('p', { class: 'hint' }, 'Every stored row could be read.')]
  return [
    element(
      'p',
      { class: 'hint' },
      'These stored rows could not be read. The document opens without them; they are kept.',
    ),
    element(
      'ul',
      { class: 'quarantined', 'data-tone': 'red' },
      ...rows.map(({ source, revision, bytes, reason, createdAt }) =>
        element(
          'li',
          {},
          element('span', {}, `${source} at revision ${integer(revision)}, ${size(bytes)}: `, foreign(reason)),
          element('span', {}, ago(createdAt)),
        ),
      ),
    ),
  ]
}
