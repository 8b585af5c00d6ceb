import type { Clock } from '@tidemark/shared'
import { subjectOf } from '../auth/jwt.ts'
import type { TokenSource } from '../auth/token-source.ts'
import { within } from '../time-limit.ts'
import { keyOf, namespaceOf, sharedNamespace } from './names.ts'
import type { AccountNotes } from './notes.ts'

/** Where on this device a client's copies are. */
export interface Belongings {
  readonly namespace: string
  /** The key of the only account that may use the namespace; null where the copies themselves say whose they are. */
  readonly account: string | null
}

export interface AccountMeans {
  /** What the app says; null when each account is to have its own. */
  readonly namespace: string | null
  readonly url: string
  readonly tokens: TokenSource
  readonly clock: Clock
  readonly notes: AccountNotes
}

/** ms that it may take to know whose a token is, where somebody waits for it. */
const patience = 250
/** The same where nobody is known to have been here before: what is shown meanwhile might be anybody's. */
const longPatience = 2_000

/** On whose behalf a client acts, and where what it keeps on this device belongs (D3.9). */
export class Account {
  readonly #means: AccountMeans
  /** Settles when what was to be noted is. */
  #noting: Promise<unknown> = Promise.resolve()
  #belongings: Belongings | null
  #deciding: Promise<Belongings> | null = null
  /** What this client has noted last; undefined before it has. */
  #noted: string | null | undefined
  #hasLeft = false

  constructor(means: AccountMeans) {
    this.#means = means
    this.#belongings = means.namespace === null ? null : { namespace: means.namespace, account: null }
  }

  /** Null until it is decided. */
  get belongings(): Belongings | null {
    return this.#belongings
  }

  /** Decides once, and never anew: what is on the screen by then is of this account. Never rejects. */
  decide(): Promise<Belongings> {
    this.#deciding ??= this.#decide()
    return this.#deciding
  }

  async #decide(): Promise<Belongings> {
    if (this.#belongings) return this.#belongings
    const asking = this.#ask()
    let token = await this.#soon(asking, patience)
    const noted = token ? null : await this.#soon(this.#means.notes.read(this.#means.url), patience)
    if (!token && noted === null) token = await this.#soon(asking, longPatience)
    const key = token ? keyOfToken(token) : noted
    this.#belongings = { namespace: key === null ? sharedNamespace : namespaceOf(key), account: key }
    // the next time it may be known sooner whose the token is
    void asking.then((late) => late && this.#note(keyOfToken(late)))
    return this.#belongings
  }

  /** @returns null when no token is to be had */
  async #ask(): Promise<{ readonly subject: string | null } | null> {
    try {
      return { subject: subjectOf(await this.#means.tokens.get()) }
    } catch {
      return null
    }
  }

  #soon<Result>(work: Promise<Result>, limit: number): Promise<Result | null> {
    return within(this.#means.clock, limit, 'finding out whose copies these are', work).catch(() => null)
  }

  /** On whose behalf the token speaks; null when there is none, it does not say, or it is not of this account. */
  get subject(): string | null {
    const { subject } = this.#means.tokens
    return this.#belongings && this.#isOurs(subject) ? subject : null
  }

  /** Like {@link subject}; asks for a token if there is none. Also null when none is to be had. */
  async whose(): Promise<string | null> {
    await this.#ask()
    return this.subject
  }

  /** The same; null as well when it is not known soon: without a network no token may be to be had. */
  whoseSoon(): Promise<string | null> {
    return this.#soon(this.whose(), patience)
  }

  /** May what is kept here be sent with a token of this subject, as far as the namespace says it? */
  admits(subject: string | null): boolean {
    this.#note(subject === null ? null : keyOf(subject))
    return this.#isOurs(subject)
  }

  /** Are the copies in the namespace that all accounts shared, though each should have its own? */
  get isShared(): boolean {
    return this.#means.namespace === null && this.#belongings?.account === null
  }

  /** The token that there is now is not of the account to which the namespace belongs. */
  get isForeign(): boolean {
    const { hasToken, subject } = this.#means.tokens
    return hasToken && !this.#isOurs(subject)
  }

  #isOurs(subject: string | null): boolean {
    const account = this.#belongings?.account ?? null
    return account === null || (subject !== null && keyOf(subject) === account)
  }

  /** Who opens this browser next without a network is not taken for this person. */
  async leave(): Promise<void> {
    this.#hasLeft = true
    // whoever else was noted since is here still
    const left = [this.#belongings?.account, this.#noted]
    if (left.some(Boolean)) this.#change((noted) => (left.includes(noted) ? null : noted))
    await this.#soon(this.#noting, patience)
  }

  #note(key: string | null): void {
    if (this.#means.namespace !== null || this.#hasLeft || this.#noted === key) return
    this.#noted = key
    this.#change(() => key)
  }

  #change(next: (noted: string | null) => string | null): void {
    const { notes, url } = this.#means
    // without a note the next opening without a network finds what all accounts share
    this.#noting = this.#noting.then(() => notes.update(url, next)).catch(() => {})
  }
}

function keyOfToken({ subject }: { readonly subject: string | null }): string | null {
  return subject === null ? null : keyOf(subject)
}
