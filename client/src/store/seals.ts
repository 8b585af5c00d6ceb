import { TidemarkError } from '@tidemark/shared'
import type { Row } from './rows.ts'

/** How the rows of one database are written and read, where they are not stored in the clear (D2.4). */
export interface Seals {
  /**
   * @param check what {@link check} gave when the database was last written; undefined when it never was
   * @throws {TidemarkError} `local-storage-key-wrong`
   */
  verify(check: unknown): Promise<void>
  /** Stands beside the rows, so that a wrong key is told from a changed row. */
  check(): Promise<unknown>
  /**
   * Rows that are in the clear stay as they are.
   * @throws {TidemarkError} `local-storage-key-wrong`
   */
  open(rows: readonly Row[]): Promise<OpenedRows>
  seal(update: Uint8Array): Promise<unknown>
  /** Whether {@link check} may take the place of the one that stands there: none, or that of a key before this one. */
  follows(check: unknown): boolean
  /** Whether a row is written as it would be now. */
  isCurrent(row: unknown): boolean
}

export interface OpenedRows {
  readonly opened: readonly Row[]
  /** They were written with a key that is known, and are not as they were written. */
  readonly tampered: readonly Row[]
}

/** A sealed row as it is stored; what else a row may be is an update in the clear. */
export interface SealedRow {
  readonly keyId: string
  readonly iv: Uint8Array
  readonly data: Uint8Array
}

export function isSealed(row: unknown): row is SealedRow {
  return typeof row === 'object' && row !== null && 'keyId' in row
}

/** Reads rows with the seals there are, or in the clear. @throws {TidemarkError} `local-storage-key-wrong` */
export async function openRows(seals: Seals | null, rows: readonly Row[]): Promise<OpenedRows> {
  if (seals) return seals.open(rows)
  if (rows.some(({ update }) => isSealed(update))) throw new TidemarkError('local-storage-key-wrong')
  return { opened: rows, tampered: [] }
}

/** In bytes. */
export function sizeOf(row: unknown): number {
  const bytes = isSealed(row) ? row.data : row
  return bytes instanceof Uint8Array ? bytes.length : 0
}
