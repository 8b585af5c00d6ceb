import { describe } from 'vitest'
import { storeContract } from './contract.ts'
import { MemoryShelves, MemoryStore } from './memory-store.ts'

describe('the memory store', () => {
  storeContract(() => {
    const shelves = new MemoryShelves()
    return {
      open: (name, doc, events) => new MemoryStore(name, doc, shelves, events),
      async putRow(name, row) {
        shelves.get(name).updates.push(row)
      },
    }
  })
})
