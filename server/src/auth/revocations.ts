import { type Clock, TidemarkError } from '@tidemark/shared'
import type { Runner } from '../database/database.ts'
import type { Access, Authoriser } from './access.ts'
import { identifier } from './claims.ts'

/** A person (`sub`), or one token (`jti`). */
export type Revoked = { readonly userId: string } | { readonly tokenId: string }

/** How often each node looks at what others have revoked, in ms. */
const lookEveryMs = 400
/** For so long who is known to have been let in may come in while the database does not answer, in ms. */
const trustedMs = 60_000
/** How far back each look goes: a revocation may be committed later than it was made. In ms. */
const overlapMs = 60_000

interface Row {
  kind: 'user' | 'token'
  subject: string
  /** Unix time in ms; null for ever. */
  until: number | null
}

const changes = {
  name: 'tidemark-revocations',
  text: `
    select floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now,
      (
        select coalesce(json_agg(json_build_object(
          'kind', kind, 'subject', subject, 'until', floor(extract(epoch from expires_at) * 1000)::bigint
        ))::text, '[]')
        from tidemark_store.revocations where changed_at > to_timestamp($1::double precision / 1000)
      ) as changed`,
}

// What has been over for an hour is no longer needed: every node has looked meanwhile.
const store = {
  name: 'tidemark-revoke',
  text: `
    with over as (
      delete from tidemark_store.revocations where expires_at < now() - interval '1 hour' and (kind, subject) <> ($1, $2)
    )
    insert into tidemark_store.revocations (kind, subject, expires_at)
    values ($1, $2, to_timestamp($3::double precision / 1000))
    on conflict (kind, subject) do update set changed_at = clock_timestamp(), expires_at = excluded.expires_at`,
}

export interface RevocationsParts {
  /** Where they are kept; `kind` says whether other processes may write there, too. */
  database: { readonly kind: 'postgres' | 'pglite'; readonly questions: Runner }
  clock: Clock
  onFailure(cause: unknown): void
}

/**
 * Who may not come in any more, and may not stay (S8): told by {@link revoke} on any node, in effect on each within a second.
 * All of them are in memory, so that nobody who comes in waits for the database.
 */
export class Revocations {
  /** Somebody's right is gone: whoever is here by it must go. */
  changed: () => void = () => {}
  readonly #parts: RevocationsParts
  readonly #until = new Map<string, number | null>()
  /** The database's time of the last look. */
  #lookedAt = 0
  #answeredAt: number
  #isFailing = false
  #cancel: () => void = () => {}
  #isClosed = false

  private constructor(parts: RevocationsParts) {
    this.#parts = parts
    this.#answeredAt = parts.clock.now()
  }

  /** @throws when the database does not answer: nobody is let in on a guess */
  static async open(parts: RevocationsParts): Promise<Revocations> {
    const revocations = new Revocations(parts)
    await revocations.#look()
    if (parts.database.kind === 'postgres') revocations.#lookLater()
    return revocations
  }

  /**
   * Takes somebody's right away, at once in this process and within a second on every other; their sessions end with
   * `token-revoked`, and no token of theirs is taken any more.
   * @param until Unix time in ms at which the last token that this is about has run out: it is forgotten then. Without it, never
   * @throws {TidemarkError} `storage-unavailable` when it could not be stored: it is in effect in this process only
   */
  async revoke(revoked: Revoked, { until = null }: { until?: number | null } = {}): Promise<void> {
    await this.#set(revoked, until)
  }

  /** Gives it back: the person, or the token, may come in again. Throws as {@link revoke} does. */
  async restore(revoked: Revoked): Promise<void> {
    await this.#set(revoked, this.#parts.clock.now())
  }

  async #set(revoked: Revoked, until: number | null): Promise<void> {
    const row = rowOf(revoked, until)
    this.#take([row])
    try {
      await this.#parts.database.questions.run(store, [row.kind, row.subject, row.until])
    } catch (cause) {
      throw new TidemarkError('storage-unavailable', undefined, { cause })
    }
  }

  /**
   * @throws {TidemarkError} `token-revoked`; `storage-unavailable` when nothing was heard of the database for a minute, and
   * somebody may have been revoked meanwhile
   */
  check(access: Pick<Access, 'userId' | 'tokenId'>): void {
    if (this.isRevoked(access)) throw new TidemarkError('token-revoked')
    const { database, clock } = this.#parts
    if (database.kind === 'postgres' && clock.now() - this.#answeredAt > trustedMs) {
      throw new TidemarkError('storage-unavailable')
    }
  }

  /** Whether it is known to be. Who is here already stays while the database does not answer. */
  isRevoked({ userId, tokenId }: Pick<Access, 'userId' | 'tokenId'>): boolean {
    if (this.#until.size === 0) return false
    return this.#isInEffect(keyOf('user', userId)) || (tokenId !== null && this.#isInEffect(keyOf('token', tokenId)))
  }

  #isInEffect(key: string): boolean {
    const until = this.#until.get(key)
    if (until === undefined) return false
    if (until === null || until > this.#parts.clock.now()) return true
    this.#until.delete(key)
    return false
  }

  #take(rows: readonly Row[]): void {
    for (const { kind, subject, until } of rows) this.#until.set(keyOf(kind, subject), until)
    if (rows.length > 0) this.changed()
  }

  #lookLater(): void {
    if (this.#isClosed) return
    this.#cancel = this.#parts.clock.after(lookEveryMs, async () => {
      try {
        await this.#look()
        this.#isFailing = false
      } catch (cause) {
        // once for each time that it is away
        if (!this.#isFailing && !this.#isClosed) this.#parts.onFailure(cause)
        this.#isFailing = true
      }
      this.#lookLater()
    })
  }

  async #look(): Promise<void> {
    const { database, clock } = this.#parts
    const askedAt = clock.now()
    const since = Math.max(0, this.#lookedAt - overlapMs)
    const [row] = await database.questions.run<{ now: number; changed: string }>(changes, [since])
    if (!row) throw new Error('the database answered nothing')
    this.#lookedAt = row.now
    this.#answeredAt = askedAt
    this.#take((JSON.parse(row.changed) as Row[]).filter((each) => this.#isNews(each)))
  }

  #isNews({ kind, subject, until }: Row): boolean {
    const key = keyOf(kind, subject)
    if (!this.#until.has(key)) return until === null || until > this.#parts.clock.now()
    return this.#until.get(key) !== until
  }

  close(): void {
    this.#isClosed = true
    this.#cancel()
  }
}

const keyOf = (kind: Row['kind'], subject: string): string => `${kind} ${subject}`

function rowOf(revoked: Revoked, until: number | null): Row {
  const [kind, subject] =
    'userId' in revoked ? (['user', revoked.userId] as const) : (['token', revoked.tokenId] as const)
  if (!identifier.safeParse(subject).success || Number.isNaN(until)) {
    throw new TidemarkError('value-invalid', `Nobody can be revoked by this ${kind === 'user' ? 'userId' : 'tokenId'}.`)
  }
  return { kind, subject, until: until === null ? null : Math.floor(until) }
}

/** Lets nobody in whose right was taken away. */
export function withRevocations(authoriser: Authoriser, revocations: Pick<Revocations, 'check'>): Authoriser {
  const checked = (access: Access): Access => {
    revocations.check(access)
    return access
  }
  return {
    authorise: async (token, documentName) => checked(await authoriser.authorise(token, documentName)),
    authoriseAdmin: async (token) => checked(await authoriser.authoriseAdmin(token)),
  }
}
