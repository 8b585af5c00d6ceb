import { TidemarkError } from '@tidemark/shared'
import type { Row } from '../store/rows.ts'
import { isSealed, type OpenedRows, type SealedRow, type Seals, type Written } from '../store/seals.ts'

/** A key, and a name by which rows say which key they were written with. The name is stored in the clear. */
export interface EncryptionKey {
  readonly id: string
  readonly key: CryptoKey
}

export interface EncryptionKeys {
  /** What is written from now on is written with this one. */
  readonly current: EncryptionKey
  /** What is stored already may have been written with these. */
  readonly previous?: readonly EncryptionKey[]
}

type Purpose = 'row' | 'check'

interface Check extends SealedRow {
  /** That all is sealed; what counts is what the check says to those who have the key. */
  readonly isAll?: true
}

const rowsAtOnce = 256
/** What a check says to those who have the key. Versions that do not know the second one take it for the first. */
const checkText = 'tidemark'
const checkOfAllText = 'tidemark: all is sealed'

/**
 * AES-GCM with a random nonce for each row. A row is bound to its database and its key's name, so that it is noticed
 * when it is moved to another document; that rows are missing is not.
 */
export class AesSeals implements Seals {
  readonly #database: string
  readonly #current: EncryptionKey
  readonly #keys: ReadonlyMap<string, CryptoKey>
  /** The keys are those that the database was written with. */
  #isVerified = false
  #takesClear = false
  readonly #checks = new Map<boolean, Promise<Check>>()

  constructor(database: string, { current, previous = [] }: EncryptionKeys) {
    this.#database = database
    this.#current = current
    this.#keys = new Map([...previous, current].map(({ id, key }) => [id, key]))
  }

  async verify({ keyCheck: check, rows, copy }: Written): Promise<void> {
    if (check === undefined) {
      // No key has written here: a copy in the clear, or a new one. One that has sealed rows had a check.
      const isNew = rows.length === 0 && copy === null
      this.#takesClear = !isNew && !rows.some(({ update }) => isSealed(update))
      return
    }
    const text = isSealed(check) ? await this.#textOf(check) : null
    if (text === null) throw new TidemarkError('local-storage-key-wrong')
    this.#isVerified = true
    this.#takesClear = text !== checkOfAllText
  }

  get takesClear(): boolean {
    return this.#takesClear
  }

  async heed(check: unknown): Promise<void> {
    if (!this.#takesClear || !isSealed(check) || !this.#keys.has(check.keyId)) return
    if ((await this.#textOf(check)) === checkOfAllText) this.#takesClear = false
  }

  /** @throws {TidemarkError} `local-storage-key-wrong` */
  async #textOf(check: SealedRow): Promise<string | null> {
    const text = await this.#open(check, 'check')
    return text && new TextDecoder().decode(text)
  }

  check(isAllSealed = !this.#takesClear): Promise<Check> {
    let check = this.#checks.get(isAllSealed)
    if (!check) this.#checks.set(isAllSealed, (check = this.#makeCheck(isAllSealed)))
    return check
  }

  async #makeCheck(isAllSealed: boolean): Promise<Check> {
    const text = isAllSealed ? checkOfAllText : checkText
    const sealed = await this.#seal(new TextEncoder().encode(text), 'check')
    return isAllSealed ? { ...sealed, isAll: true } : sealed
  }

  async open(rows: readonly Row[]): Promise<OpenedRows> {
    const opened: Row[] = []
    const tampered: Row[] = []
    for (let from = 0; from < rows.length; from += rowsAtOnce) {
      const some = rows.slice(from, from + rowsAtOnce)
      const updates = await Promise.all(
        some.map(({ update }) => {
          if (isSealed(update)) return this.#open(update, 'row')
          return this.#takesClear ? update : null
        }),
      )
      for (const [index, update] of updates.entries()) {
        if (update === null) tampered.push(some[index]!)
        else opened.push({ key: some[index]!.key, update })
      }
    }
    const sealed = rows.filter(({ update }) => isSealed(update)).length
    const broken = tampered.filter(({ update }) => isSealed(update)).length
    // Where nothing says that the keys are right, and none of it opens, they are not.
    if (!this.#isVerified && sealed > 0 && broken === sealed) {
      throw new TidemarkError('local-storage-key-wrong')
    }
    return { opened, tampered }
  }

  seal(update: Uint8Array): Promise<SealedRow> {
    return this.#seal(update, 'row')
  }

  follows(check: unknown, standing: unknown): boolean {
    if (standing === undefined) return true
    // a key that is not known here is a newer one: this tab is older than it
    if (!isSealed(standing) || !this.#keys.has(standing.keyId)) return false
    if (saysAll(check) !== saysAll(standing)) return saysAll(check)
    return standing.keyId !== this.#current.id
  }

  isCurrent(row: unknown): boolean {
    return isSealed(row) && row.keyId === this.#current.id
  }

  async #seal(plain: Uint8Array, purpose: Purpose): Promise<SealedRow> {
    const { id, key } = this.#current
    const iv = crypto.getRandomValues(new Uint8Array(12))
    const data = await crypto.subtle.encrypt(this.#algorithm(id, iv, purpose), key, new Uint8Array(plain))
    return { keyId: id, iv, data: new Uint8Array(data) }
  }

  /**
   * @returns null when it is not what was written
   * @throws {TidemarkError} `local-storage-key-wrong` when it was written with a key that is not given
   */
  async #open({ keyId, iv, data }: SealedRow, purpose: Purpose): Promise<Uint8Array | null> {
    const key = this.#keys.get(keyId)
    if (!key) throw new TidemarkError('local-storage-key-wrong')
    try {
      const algorithm = this.#algorithm(keyId, new Uint8Array(iv), purpose)
      return new Uint8Array(await crypto.subtle.decrypt(algorithm, key, new Uint8Array(data)))
    } catch {
      // an authentication that fails has no other reason to give
      return null
    }
  }

  #algorithm(keyId: string, iv: Uint8Array<ArrayBuffer>, purpose: Purpose): AesGcmParams {
    const boundTo = JSON.stringify([this.#database, keyId, purpose])
    return { name: 'AES-GCM', iv, additionalData: new TextEncoder().encode(boundTo) }
  }
}

function saysAll(check: unknown): boolean {
  return isSealed(check) && (check as Check).isAll === true
}
