import { type AuthEnvelope, encodeAuthEnvelope, protocolVersion } from '@tidemark/shared'
import type { TokenSource } from '../auth/token-source.ts'

export interface CredentialsMeans {
  readonly tokens: TokenSource
  /** What the local store holds of the server's history. */
  readonly history: () => Pick<AuthEnvelope, 'epoch' | 'revision'>
  readonly version: string
  /**
   * Whether what the device holds may be sent with this token.
   * @throws {TidemarkError} `account-mismatch`; `document-closed` when the copy is the document's no more
   */
  readonly admit: (token: string) => Promise<void>
}

/** What a document's sessions say when they authenticate, and whether the server has lately refused it. */
export class Credentials {
  readonly #means: CredentialsMeans
  /** The token of this session, and one that the server would not have. */
  #token: string | null = null
  #unusableToken: string | null = null
  /** A fresh token was asked for because of a refusal; a second refusal in a row is the person's affair. */
  #areRenewed = false

  constructor(means: CredentialsMeans) {
    this.#means = means
  }

  get areRenewed(): boolean {
    return this.#areRenewed
  }

  get epoch(): string | undefined {
    return this.#means.history().epoch
  }

  /**
   * The token field of a new session.
   * @throws {TidemarkError} `token-provider-failed`, `account-mismatch`
   */
  forSession(): Promise<string> {
    return this.#envelope(this.#unusableToken)
  }

  /**
   * The token field with another token than this session's.
   * @throws {TidemarkError} `token-provider-failed`, `account-mismatch`
   */
  fresh(): Promise<string> {
    return this.#envelope(this.#token)
  }

  /** The server would not have the token: the next session says another. */
  refused(): void {
    this.#areRenewed = true
    this.#unusableToken = this.#token
  }

  /**
   * The server has accepted what was said, or a person has taken care of it; or the session is over, and nobody has
   * answered: by the next one the token may have run out.
   */
  settled(): void {
    this.#areRenewed = false
  }

  async #envelope(unusable: string | null): Promise<string> {
    const { tokens, history, version, admit } = this.#means
    const token = await tokens.get(unusable)
    await admit(token)
    this.#token = token
    return encodeAuthEnvelope({ protocol: protocolVersion, token, version, ...history() })
  }
}
