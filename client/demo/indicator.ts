import { indicatorOf } from '@tidemark/client'
import { announcementOf, type Spoken } from './announcement.ts'
import type { OpenDocument, Status } from './client-types.ts'
import { byId, setText } from './dom.ts'
import { type IconName, icon } from './icons.ts'

const icons: { readonly [kind in Status['kind']]: IconName } = {
  loading: 'dots',
  offline: 'offline',
  syncing: 'waves',
  saved: 'check',
  error: 'alert',
}

/** "Saved" has to last this long before it is shown, so that the words don't flicker with each key; in ms. */
const savedDwell = 350
/** Only a wait that a person would wonder about is read out; in ms. */
const syncingPatience = 4000

/** Shows a document's status in the header (H5), in its panel, and to screen readers. @returns the end of it */
export function bindIndicator(tidemark: OpenDocument): () => void {
  const button = byId('indicator', HTMLButtonElement)
  const place = byId('indicator-icon', HTMLElement)
  const label = byId('indicator-label', HTMLElement)
  const announcer = byId('announcer', HTMLElement)
  const header = document.querySelector<HTMLElement>('.header')!
  const ending = new AbortController()
  let shown: Status['kind'] | null = null
  let spoken: Spoken = 'nothing'
  let dwell: ReturnType<typeof setTimeout> | undefined
  let patience: ReturnType<typeof setTimeout> | undefined

  const speak = (status: Status, waited: boolean) => {
    const next = announcementOf(spoken, status, indicatorOf(status), waited)
    if (next) {
      spoken = next.spoken
      setText(announcer, next.text)
    }
  }

  const show = (status: Status) => {
    const { tone, label: words } = indicatorOf(status)
    setText(label, words)
    // the same state may have become urgent: edits that have waited for long are red
    header.dataset.tone = button.dataset.tone = tone
    if (status.kind === shown) return
    shown = status.kind
    place.replaceChildren(icon(icons[status.kind]))
    button.dataset.state = status.kind
    header.dataset.state = status.kind
    clearTimeout(patience)
    if (status.kind === 'syncing') patience = setTimeout(() => speak(tidemark.status, true), syncingPatience)
    else speak(status, false)
  }

  const update = () => {
    const { status } = tidemark
    // the facts in the panel are never late, and nothing but "Saved" waits: it may be shown late, never early
    showFacts(status)
    if (status.kind === 'saved' && shown === 'syncing') {
      dwell ??= setTimeout(() => {
        dwell = undefined
        show(tidemark.status)
      }, savedDwell)
      return
    }
    clearTimeout(dwell)
    dwell = undefined
    show(status)
  }

  byId('status-retry', HTMLButtonElement).addEventListener('click', () => tidemark.retry(), { signal: ending.signal })
  const off = tidemark.on('status', update)
  button.hidden = false
  update()

  return () => {
    off()
    ending.abort()
    clearTimeout(dwell)
    clearTimeout(patience)
    setText(announcer, '')
    button.hidden = true
    byId('status-line', HTMLElement).hidden = true
    delete header.dataset.state
    header.dataset.tone = 'grey'
  }
}

const connections = { connected: 'Connected', connecting: 'Connecting…', disconnected: 'Not connected' } as const

function showFacts(status: Status): void {
  const { label, detail, tone } = indicatorOf(status)
  setText(byId('status-title', HTMLElement), label)
  setText(byId('status-detail', HTMLElement), detail)
  setText(byId('status-saved', HTMLElement), savedAt(status.lastSavedAt))
  setText(byId('status-pending', HTMLElement), String(status.pendingCount))
  setText(byId('status-connection', HTMLElement), connections[status.status])
  setText(byId('status-local', HTMLElement), localStoreWords(status))
  byId('status-retry', HTMLButtonElement).hidden = status.kind !== 'offline' && status.kind !== 'error'
  byId('indicator', HTMLButtonElement).title = detail
  // what needs no attention needs no sentence; the announcer reads this one out
  const line = byId('status-line', HTMLElement)
  line.hidden = status.kind !== 'offline' && status.kind !== 'error'
  line.dataset.tone = tone
  setText(line, detail)
  const notice = byId('local-notice', HTMLElement)
  const words = noticeOf(status)
  notice.hidden = words === null
  if (words !== null) setText(notice, words)
}

function noticeOf({ localStore }: Status): string | null {
  if (localStore.kind === 'memory') return memoryNotice
  return localStore.failure ? localStore.failure.message : null
}

const memoryNotice =
  'This browser keeps nothing of this document on this device. Keep the page open until the indicator says “Saved”.'

function localStoreWords(status: Status): string {
  if (status.localStore.kind === 'memory') return 'Not kept (memory only)'
  return status.localStore.failure ? 'Not kept for now' : 'Kept (IndexedDB)'
}

const today = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' })
const earlier = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })

function savedAt(time: number | null): string {
  if (time === null) return 'Not in this session'
  const isToday = new Date(time).toDateString() === new Date().toDateString()
  return (isToday ? today : earlier).format(time)
}
