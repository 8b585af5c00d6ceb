import { TidemarkError } from '@tidemark/shared'
import { IndexeddbStores, type IndexeddbStoresMeans } from '../store/indexeddb-stores.ts'
import type { LocalStores } from '../store/local-store.ts'
import { AesSeals, type EncryptionKeys } from './aes-seals.ts'

export type { EncryptionKey, EncryptionKeys } from './aes-seals.ts'

export interface EncryptionOptions {
  readonly keys: EncryptionKeys
}

/**
 * Keeps documents in IndexedDB as AES-GCM ciphertext: `createClient({ url, localStores: encryptedStores({ keys }) })`.
 *
 * The app supplies the keys, of 128 or 256 bits, for `encrypt` and `decrypt`; they need not be extractable, and are
 * never stored. A new key is given as `current` and the one before it stays in `previous` until every document has
 * been opened once: their copies are written anew with the current one. Copies stored in the clear are encrypted then.
 * What stands beside the updates is not encrypted: document names, positions, epochs, the account, the state vector.
 *
 * A copy written with a key that is not given opens empty, in memory, with `local-storage-key-wrong`, and stays as it
 * is. A row that was changed is kept aside with `local-storage-tampered`, and the rest opens; so is a row in the clear,
 * once a copy that was stored in the clear is encrypted as a whole.
 * @throws {TidemarkError} `configuration-invalid` when a key cannot be used
 */
export function encryptedStores({ keys }: EncryptionOptions): (means: IndexeddbStoresMeans) => LocalStores {
  const ids = new Set<string>()
  for (const { id, key } of [keys.current, ...(keys.previous ?? [])]) {
    if (key.algorithm.name !== 'AES-GCM' || !key.usages.includes('decrypt')) {
      throw new TidemarkError('configuration-invalid', `The key ${id} must be an AES-GCM key for encrypt and decrypt.`)
    }
    if (ids.has(id)) throw new TidemarkError('configuration-invalid', `Two keys have the same id, ${id}.`)
    ids.add(id)
  }
  return (means) => new IndexeddbStores({ ...means, seals: (database) => new AesSeals(database, keys) })
}
