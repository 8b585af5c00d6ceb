import { inspect } from 'node:util'
import type { Log } from '../log.ts'

const levelOf = { error: 'error', warn: 'warn', info: 'info', log: 'info', debug: 'debug' } as const

/**
 * Sends what libraries write to the console (Hocuspocus does) to the log, so that it is scrubbed and stdout stays ours.
 * @returns a function that undoes it
 */
export function rerouteConsole(log: Log): () => void {
  const methods = Object.keys(levelOf) as (keyof typeof levelOf)[]
  const originals = methods.map((method) => console[method])
  for (const method of methods) {
    console[method] = (...parts: unknown[]) => {
      const text = parts.map((part) => (typeof part === 'string' ? part : inspect(part, { depth: 3 }))).join(' ')
      log[levelOf[method]]({ from: 'console' }, text)
    }
  }
  return () => {
    methods.forEach((method, index) => {
      console[method] = originals[index]!
    })
  }
}
