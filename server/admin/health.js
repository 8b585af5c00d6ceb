import { ask } from './api.js'
import { byId, fact } from './dom.js'
import { duration, integer } from './format.js'

const modes = { open: 'open', secret: 'tokens by secret', jwks: 'tokens by key set' }
const databases = { postgres: 'Postgres', pglite: 'in this process' }

/** Asks how the server is, and shows it. @returns the answer; `null` when there is none */
export async function showHealth() {
  try {
    const status = await ask('/status')
    if (status.ready) show('green', '✓', 'Ready')
    else show('red', '!', `Not ready: ${status.reasons?.join(', ') ?? 'ask its log'}`)
    showFigures(status)
    return status
  } catch (error) {
    if (error.isAboutToken) throw error
    show('red', '!', 'No answer')
    return null
  }
}

function show(tone, icon, label) {
  const health = byId('health')
  // a screen reader hears it when it changes, not each time it is asked
  if (byId('health-label').textContent === label) return
  health.dataset.tone = tone
  byId('health-icon').textContent = icon
  byId('health-label').textContent = label
}

function showFigures(status) {
  if (status.version === undefined) return
  byId('figures').replaceChildren(
    fact('Version', status.version),
    fact('Running for', duration(status.uptimeSeconds)),
    fact('Database', databases[status.database.kind] ?? status.database.kind),
    fact('Sign-in', modes[status.auth.mode] ?? status.auth.mode),
    fact('Sockets', integer(status.sockets)),
    fact('Sessions', integer(status.sessions)),
    fact('Open documents', integer(status.documentsInMemory)),
  )
}
