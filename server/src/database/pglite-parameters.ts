/** Runs one statement when it is its turn. */
type RunInTurn = (text: string, values: readonly unknown[]) => Promise<unknown>

/** Smaller parameters are handed over with their statement, in bytes: PGlite takes 30 ms for each MiB of one. */
const largestAtOnce = 1024 * 1024
/** In bytes; ten ms of work. */
const pieceBytes = 256 * 1024

/** For the pieces of parameters; it goes with the connection. */
export const parametersTable =
  'create temp table tidemark_parameters (owner int not null, number int not null, piece bytea not null)'

/**
 * The large parameters of statements for PGlite, which does one thing after the other: they are handed over in pieces, between
 * which others have their turn, and the statement puts them together. That takes a tenth of the time.
 */
export class PgliteParameters {
  readonly #run: RunInTurn
  #owners = 0
  #last = 0

  constructor(run: RunInTurn) {
    this.#run = run
  }

  /** Has `action` run the statement; if parameters of it are large, one that does the same. */
  async with<Result>(
    text: string,
    values: readonly unknown[],
    action: (text: string, values: readonly unknown[]) => Promise<Result>,
  ): Promise<Result> {
    const large = values.findIndex((value) => value instanceof Uint8Array && value.byteLength > largestAtOnce)
    if (large === -1) return await action(text, values)
    const owner = (this.#last = (this.#last + 1) % 2 ** 31)
    this.#owners++
    try {
      await this.#hand(owner, values[large] as Uint8Array)
      const whole = `(select string_agg(piece, ''::bytea order by number) from pg_temp.tidemark_parameters where owner = ${owner})`
      const place = new RegExp(`\\$${large + 1}(?!\\d)(::bytea)?`, 'g')
      const put = text.replace(place, () => `coalesce($${large + 1}::bytea, ${whole})`)
      return await this.with(put, values.with(large, null), action)
    } finally {
      this.#owners--
      // nobody vacuums a temporary table
      const clear = this.#owners === 0 ? 'truncate' : 'delete from'
      const which = this.#owners === 0 ? '' : ` where owner = ${owner}`
      await this.#run(`${clear} pg_temp.tidemark_parameters${which}`, []).catch(() => {})
    }
  }

  async #hand(owner: number, bytes: Uint8Array): Promise<void> {
    for (let at = 0, number = 0; at < bytes.byteLength; at += pieceBytes, number++) {
      const piece = bytes.subarray(at, at + pieceBytes)
      await this.#run('insert into pg_temp.tidemark_parameters values ($1, $2, $3)', [owner, number, piece])
    }
  }
}
