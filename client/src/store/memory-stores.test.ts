import { describe } from 'vitest'
import { storeContract } from './contract.ts'
import { MemoryStores } from './memory-stores.ts'

describe('the memory stores', () => {
  storeContract(() => {
    const stores = new MemoryStores('tidemark')
    return {
      stores,
      async putRow(document, row) {
        stores.newest(document).updates.push(row)
      },
    }
  })
})
