import { type Clock, uniqueName } from '@tidemark/shared'
import { Acknowledgements } from './acknowledgements.ts'
import type { Acknowledged, History } from './local-store.ts'
import { accountKey, clearMarks, historyKey, markAccount, putCopy } from './records.ts'
import { Remembered } from './remembered.ts'
import type { Contents } from './rows.ts'

export interface CopyRecordsMeans {
  readonly clock: Clock
  /** Its dirty mark stands under this name. */
  readonly opening: string
  /** Settles always. Once the store is being closed, nothing is noted any more. */
  readonly note: (put: (custom: IDBObjectStore) => void) => Promise<void>
  /** The same, but also while it is being closed. */
  readonly record: (put: (custom: IDBObjectStore) => void) => Promise<void>
}

/** Notes beside the rows what the server holds, of which history the copy is, whose its edits are, and when it was used. */
export class CopyRecords {
  readonly #means: CopyRecordsMeans
  readonly #acknowledgements: Acknowledgements
  readonly remembered = new Remembered()
  /** About how much the copy takes. */
  bytes = 0
  /** The newest of this opening's positions that is durable on the server. */
  #acknowledged = 0
  /** On whose behalf this opening's edits are made. */
  #account: string | null = null

  constructor(means: CopyRecordsMeans) {
    this.#means = means
    this.#acknowledgements = new Acknowledgements(means.clock, (acknowledged) =>
      means.record((custom) => clearMarks(custom, acknowledged)),
    )
  }

  get acknowledged(): number {
    return this.#acknowledged
  }

  get account(): string | null {
    return this.#account
  }

  loaded(contents: Contents): void {
    this.remembered.loaded(contents)
  }

  acknowledge(acknowledged: Acknowledged): Promise<void> {
    this.#acknowledged = Math.max(this.#acknowledged, acknowledged.get(this.#means.opening) ?? 0)
    this.remembered.acknowledge(acknowledged)
    return this.#acknowledgements.add(acknowledged)
  }

  /** Another opening has noted it: what is read from now on is of it. */
  found(history: History | null): void {
    this.remembered.history ??= history
  }

  remember(history: History): Promise<void> {
    this.remembered.history = history
    return this.#means.note((custom) => custom.put(history, historyKey))
  }

  rememberAccount(account: string): Promise<void> {
    this.remembered.account = account
    return this.#means.note((custom) => custom.put(account, accountKey))
  }

  speakFor(account: string): Promise<void> {
    this.#account = account
    return this.#means.note((custom) => markAccount(custom, this.#means.opening, account))
  }

  /** Notes when the copy was used, for eviction, and which database it is, to know it again. */
  touch(): void {
    const { clock, note } = this.#means
    const id = this.remembered.copy?.id ?? uniqueName(clock)
    void note((custom) =>
      putCopy(custom, { id, usedAt: clock.now(), bytes: this.bytes }, (copy) => {
        this.remembered.copy = copy
      }),
    )
  }

  /** Writes down now the acknowledgements that wait. */
  flush(): void {
    this.#acknowledgements.flush()
  }
}
