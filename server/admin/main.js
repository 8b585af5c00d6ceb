import { useToken } from './api.js'
import { close, showDetails } from './details.js'
import { byId } from './dom.js'
import { showHealth } from './health.js'
import { focusRow, markShown, showList, showMore } from './list.js'

const healthEvery = 10_000
const searchPause = 200

/** Whether this page may ask for documents: always on an open server, otherwise once a token was accepted. */
let signedIn = false

async function start() {
  const status = await showHealth()
  if (status === null) {
    showProblem('The server does not answer. This page tries again by itself.')
    setTimeout(() => void start(), healthEvery)
    return
  }
  showProblem(null)
  byId('open-notice').hidden = status.auth.mode !== 'open'
  if (status.auth.mode === 'open') await enter()
  else askForToken('')
}

async function enter() {
  signedIn = true
  byId('sign-in').hidden = true
  byId('content').hidden = false
  await Promise.all([showList(onRefusal), showDetails(onRefusal)])
}

function askForToken(reason) {
  signedIn = false
  useToken(null)
  close()
  byId('rows').replaceChildren()
  byId('figures').replaceChildren()
  byId('content').hidden = true
  byId('sign-out').hidden = true
  byId('sign-in').hidden = false
  byId('token-error').textContent = reason
  byId('token').value = ''
  byId('token').focus()
}

async function signIn() {
  const field = byId('token')
  const token = field.value.trim()
  if (token === '') {
    byId('token-error').textContent = 'Paste a token first.'
    field.focus()
    return
  }
  useToken(token)
  try {
    if ((await showHealth()) === null) throw new Error('The server does not answer. Try again shortly.')
  } catch (error) {
    useToken(null)
    byId('token-error').textContent = error.message
    field.focus()
    return
  }
  field.value = ''
  byId('token-error').textContent = ''
  byId('sign-out').hidden = false
  await enter()
  byId('search').focus()
}

function onRefusal(error) {
  if (error.isAboutToken) askForToken(error.message)
  else showProblem(error.message)
}

function showProblem(sentence) {
  byId('problem').hidden = sentence === null
  byId('problem').textContent = sentence ?? ''
}

async function refresh() {
  showProblem(null)
  await Promise.all([showHealth().catch(onRefusal), showList(onRefusal), showDetails(onRefusal)])
}

byId('sign-in-form').addEventListener('submit', (event) => {
  event.preventDefault()
  void signIn()
})
byId('sign-out').addEventListener('click', () => askForToken(''))
byId('refresh').addEventListener('click', () => void refresh())
byId('more').addEventListener('click', () => void showMore(onRefusal))
byId('search-form').addEventListener('submit', (event) => event.preventDefault())
byId('skip').addEventListener('click', (event) => {
  // the address says which document is shown; it is not for jumping
  event.preventDefault()
  byId('main').focus()
})

let typing
byId('search').addEventListener('input', () => {
  clearTimeout(typing)
  typing = setTimeout(() => {
    showProblem(null)
    void showList(onRefusal)
  }, searchPause)
})

window.addEventListener('hashchange', () => {
  if (!signedIn) return
  showProblem(null)
  void showDetails(onRefusal).then((before) => {
    markShown()
    if (before !== null && byId('details').hidden) focusRow(before)
  })
})
window.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && !byId('details').hidden) location.assign('#')
})

setInterval(() => {
  if (signedIn && !document.hidden) void showHealth().catch(onRefusal)
}, healthEvery)

void start()
