import { field } from './person.ts'

/** What a token says about its holder. It is read to show and to separate accounts; only the server checks it. */
export type Account = { readonly subject: string; readonly name: string | null }

/** The token of the person who is signed in: in this tab's memory and nowhere else (R10). */
export class Credentials {
  #token = ''

  get token(): string {
    return this.#token
  }

  keep(token: string): void {
    this.#token = token
  }

  forget(): void {
    this.#token = ''
  }
}

/** @returns `null` when the text cannot be a signed token (three parts, the middle one JSON with a subject) */
export function readAccount(token: string): Account | null {
  const payload = token.split('.')
  if (payload.length !== 3) return null
  try {
    const bytes = Uint8Array.from(atob(payload[1]!.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0))
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes))
    const subject = field(claims, 'sub')
    const name = field(claims, 'name')
    if (typeof subject !== 'string' || subject === '') return null
    return { subject, name: typeof name === 'string' && name.trim() !== '' ? name.trim() : null }
  } catch {
    return null
  }
}
