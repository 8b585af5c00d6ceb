import { TidemarkError } from '@tidemark/shared'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { JournalLine } from './line.ts'

const at = (revision: number) => ({ revision, stamp: null })
const newLine = () => new JournalLine({ id: 1, name: 'plan', epoch: 'e', revision: 40 })

test('[R1.1] what is asked for when nothing is queued is released at once', () => {
  let released = false
  newLine().whenDurable(() => {
    released = true
  })
  expect(released).toBe(true)
})

test('[R1.1] an ack waits for exactly the updates appended before it', () => {
  const line = newLine()
  const released: string[] = []
  line.appended = 1
  line.whenDurable(() => released.push('first'))
  line.appended = 2
  line.whenDurable(() => released.push('second'))
  expect(released).toEqual([])
  line.committed(1, at(41))
  expect(released).toEqual(['first'])
  line.committed(1, at(42))
  expect(released).toEqual(['first', 'second'])
  expect(line.revision).toBe(42)
})

test('[R6.2] a line that failed releases nothing any more', () => {
  const line = newLine()
  let released = false
  line.appended = 1
  line.whenDurable(() => {
    released = true
  })
  line.fail(new TidemarkError('document-write-failed'))
  line.committed(1, at(41))
  expect(released).toBe(false)
})

test('[R1.2] in any interleaving acks come in order, each once, none before its position is durable', () => {
  const steps = fc.array(fc.constantFrom('append', 'ask', 'commit'), { maxLength: 200 })
  fc.assert(
    fc.property(steps, (program) => {
      const line = newLine()
      const asked: number[] = []
      const released: number[] = []
      for (const step of program) {
        if (step === 'append') line.appended += 1
        if (step === 'ask') {
          const position = line.appended
          asked.push(position)
          line.whenDurable(() => {
            expect(line.durable).toBeGreaterThanOrEqual(position)
            released.push(position)
          })
        }
        if (step === 'commit' && line.durable < line.appended) line.committed(1, at(line.revision + 1))
      }
      expect(released).toEqual(asked.filter((position) => position <= line.durable))
    }),
  )
})

test('[R7.13] what is in memory is placed at a revision only when it is exactly that revision', () => {
  const steps = fc.array(fc.constantFrom('append', 'ask', 'commit', 'foreign', 'catch up'), { maxLength: 120 })
  fc.assert(
    fc.property(steps, (program) => {
      const line = newLine()
      // what stands at each revision behind the first: a position of ours, or something of another process
      const journal: (number | 'foreign')[] = []
      let foreignInMemory = 0
      for (const step of program) {
        if (step === 'append') line.appended += 1
        if (step === 'foreign') journal.push('foreign')
        if (step === 'commit' && line.durable < line.appended) {
          journal.push(line.durable + 1)
          line.committed(1, at(40 + journal.length))
        }
        if (step === 'catch up') {
          line.foreign(at(40 + journal.length))
          line.covered = line.revision
          foreignInMemory = journal.filter((each) => each === 'foreign').length
        }
        if (step === 'ask') {
          const memory = { own: line.appended, foreign: foreignInMemory }
          line.whenPlaced((place) => {
            if (place === null) return
            const held = journal.slice(0, place.revision - 40)
            expect(held.filter((each) => each === 'foreign')).toHaveLength(memory.foreign)
            expect(held.filter((each) => each !== 'foreign')).toHaveLength(memory.own)
          })
        }
      }
    }),
  )
})
