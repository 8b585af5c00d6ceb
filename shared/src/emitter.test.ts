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
