import { type Account, readAccount } from './credentials.ts'
import { byId, setText } from './dom.ts'

export type SignInAsk = {
  /** Why it is asked now; a sentence. */
  readonly reason: string
  /** Whether the person may go on without: true while their document is open beneath. */
  readonly optional: boolean
}

/** The panel that asks for a token. The field is emptied as soon as it was read. */
export function createSignIn(onSignIn: (token: string, account: Account) => void): {
  ask(ask: SignInAsk): void
  close(): void
} {
  const panel = byId('sign-in-panel', HTMLElement)
  const token = byId('token', HTMLInputElement)
  const problem = byId('token-error', HTMLElement)
  const later = byId('sign-in-later', HTMLButtonElement)

  const close = () => {
    panel.hidden = true
    token.value = ''
    setText(problem, '')
  }
  byId('sign-in-form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault()
    const typed = token.value.trim()
    const account = readAccount(typed)
    if (!account) {
      setText(
        problem,
        typed === '' ? 'Paste a token first.' : 'This is not a token: it has three parts with dots between.',
      )
      token.setAttribute('aria-invalid', 'true')
      token.focus()
      return
    }
    close()
    onSignIn(typed, account)
  })
  token.addEventListener('input', () => {
    setText(problem, '')
    token.removeAttribute('aria-invalid')
  })
  later.addEventListener('click', close)

  return {
    ask({ reason, optional }) {
      setText(byId('sign-in-reason', HTMLElement), reason)
      later.hidden = !optional
      panel.hidden = false
      token.focus()
    },
    close,
  }
}
