import { type Clock, TidemarkError } from '@tidemark/shared'
import { within } from '../time-limit.ts'
import { expiryOf, subjectOf } from './jwt.ts'

/** Gives a token. Called again, once however many ask, when the last one has run out or was not accepted. */
export type TokenProvider = () => string | Promise<string>

// A token that runs out while it travels is of no use.
const expiryMargin = 10_000
const providerTimeLimit = 30_000

/**
 * Holds the token in memory, nowhere else (R10), and asks the app's provider for one as seldom as it can.
 *
 * A token that was given just now is used even if it looks expired: this device's clock may be wrong, and only
 * the server's counts. A clock that is ahead therefore costs one call for each session, and locks nobody out.
 */
export class TokenSource {
  readonly #provider: TokenProvider
  readonly #clock: Clock
  #token: string | null = null
  #asking: Promise<string> | null = null

  constructor(provider: TokenProvider, clock: Clock) {
    this.#provider = provider
    this.#clock = clock
  }

  /**
   * @param unusable a token that the server did not accept, or wants replaced: it is not given again without asking
   * @throws {TidemarkError} `token-provider-failed`
   */
  get(unusable: string | null = null): Promise<string> {
    const token = this.#token
    if (token !== null && token !== unusable && !this.#isExpired(token)) return Promise.resolve(token)
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null
    })
    return this.#asking
  }

  get hasToken(): boolean {
    return this.#token !== null
  }

  /** On whose behalf the token speaks; null when there is none, or it does not say. */
  get subject(): string | null {
    return this.#token === null ? null : subjectOf(this.#token)
  }

  /** The server would not have it. */
  discard(): void {
    this.#token = null
  }

  #isExpired(token: string): boolean {
    const expiry = expiryOf(token)
    return expiry !== null && expiry <= this.#clock.now() + expiryMargin
  }

  async #ask(): Promise<string> {
    try {
      const answer = (async (): Promise<unknown> => this.#provider())()
      const token = await within(this.#clock, providerTimeLimit, 'the token provider', answer)
      if (typeof token !== 'string') throw new Error('the token provider gave something else than a string')
      this.#token = token
      return token
    } catch (cause) {
      throw new TidemarkError('token-provider-failed', undefined, { cause })
    }
  }
}
