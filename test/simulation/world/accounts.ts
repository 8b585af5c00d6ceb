import type { Authorise } from '@tidemark/client/testing'

export const accounts = ['anna', 'bert'] as const
export type Account = (typeof accounts)[number]

/** Who may do what: everybody writes, with a token that has not run out. */
export class Accounts {
  #serial = 0

  readonly authorise: Authorise = (token) => (token.endsWith(`.${this.#serial}`) ? 'write' : 'token-expired')

  /** A token as the app gets it now. */
  tokenOf(account: Account): string {
    return `h.${btoa(JSON.stringify({ sub: account }))}.${this.#serial}`
  }

  /** All tokens that were given so far run out. */
  expire(): void {
    this.#serial++
  }
}

export function accountOf(token: string): Account | null {
  const payload = token.split('.')[1]
  return payload ? (JSON.parse(atob(payload)) as { sub: Account }).sub : null
}
