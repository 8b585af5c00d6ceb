/** Only here, and only until the page is closed. */
let token = null

export function useToken(value) {
  token = value
}

/** What the server, or the way to it, refused; `message` is a sentence for a person. */
export class Refusal extends Error {
  constructor(code, message) {
    super(message)
    this.code = code
  }

  /** Another token would help. */
  get isAboutToken() {
    return this.code.startsWith('token-') || this.code === 'permission-denied'
  }
}

const patience = 10_000

// the server's own sentences for these are meant for somebody who writes a document
const sentences = {
  'token-missing': 'Sign in to go on.',
  'token-invalid': 'The server did not accept this token.',
  'token-expired': 'The token has run out. Sign in with a new one.',
  'token-revoked': 'This token was revoked. Sign in with a new one.',
  'permission-denied': 'This token is not an administrator’s: it needs the level admin on every document (*).',
}

/** Asks the API. @throws {Refusal} */
export async function ask(path, signal) {
  let response
  let body
  try {
    response = await fetch(`/api${path}`, {
      cache: 'no-store',
      credentials: 'omit',
      headers: token === null ? {} : { Authorization: `Bearer ${token}` },
      signal: AbortSignal.any([AbortSignal.timeout(patience), ...(signal ? [signal] : [])]),
    })
    body = await response.json()
  } catch (error) {
    if (signal?.aborted) throw error
    throw new Refusal('server-unreachable', 'The server does not answer. It may be restarting; try again shortly.')
  }
  if (response.ok) return body
  const { code = 'internal', message = 'Something went wrong.' } = body?.error ?? {}
  throw new Refusal(code, sentences[code] ?? message)
}
