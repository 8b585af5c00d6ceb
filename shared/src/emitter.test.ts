import { expect, test } from 'vitest'
import { Emitter } from './emitter.ts'

test('[R6] a listener that throws does not keep the others from hearing', () => {
  const errors: unknown[] = []
  const emitter = new Emitter<{ saved: number }>((error) => errors.push(error))
  const heard: number[] = []
  emitter.on('saved', () => {
    throw new Error('broken')
  })
  emitter.on('saved', (value) => heard.push(value))
  emitter.emit('saved', 7)
  expect(heard).toEqual([7])
  expect(errors).toHaveLength(1)
})

test('a listener that is removed, also while others are told, hears nothing more', () => {
  const emitter = new Emitter<{ saved: number }>()
  const heard: string[] = []
  const off = emitter.on('saved', () => heard.push('first'))
  emitter.on('saved', () => {
    heard.push('second')
    off()
  })
  emitter.emit('saved', 1)
  emitter.emit('saved', 2)
  off()
  expect(heard).toEqual(['first', 'second', 'second'])
})

test('[R4.1] what a listener emits is told after what it heard, to everybody in the same order', () => {
  const emitter = new Emitter<{ saved: number; lost: string }>()
  const heard: unknown[] = []
  emitter.on('saved', (value) => {
    if (value < 3) emitter.emit('saved', value + 1)
    if (value === 1) emitter.emit('lost', 'x')
  })
  emitter.on('saved', (value) => heard.push(value))
  emitter.on('lost', (value) => heard.push(value))
  emitter.emit('saved', 1)
  expect(heard).toEqual([1, 2, 'x', 3])
})

test('[R4.1] nobody hears anything before the work is done; what it throws is thrown, and nothing is forgotten', () => {
  const emitter = new Emitter<{ saved: number }>()
  const heard: number[] = []
  emitter.on('saved', (value) => heard.push(value))
  expect(() =>
    emitter.together(() => {
      emitter.emit('saved', 1)
      emitter.together(() => emitter.emit('saved', 2))
      expect(heard).toEqual([])
      throw new Error('broken')
    }),
  ).toThrow('broken')
  expect(heard).toEqual([1, 2])
  emitter.emit('saved', 3)
  expect(heard).toEqual([1, 2, 3])
})

test('a listener that another one takes off does not hear what is being told', () => {
  const emitter = new Emitter<{ saved: number }>()
  const heard: string[] = []
  const second = () => heard.push('second')
  emitter.on('saved', () => emitter.off('saved', second))
  emitter.on('saved', second)
  emitter.emit('saved', 1)
  expect(heard).toEqual([])
})
