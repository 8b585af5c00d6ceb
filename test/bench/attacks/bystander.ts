/**
 * Somebody in another document of the attacked server, in a thread of their own, so that building an attack does not
 * hold up their clock: writes, waits for the acknowledgement, asks for the server's health, and says what took longest.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { pause } from '../../helpers/until.ts'
import { Writer } from '../../helpers/writer.ts'

export interface Felt {
  /** In ms. */
  standstill: number
  ack: number
}

const { url, health } = workerData as { url: string; health: string }
const longest: Felt = { standstill: 0, ack: 0 }
let isOn = true

const writer = await new Writer({ url, document: 'bystander' }).synced()

async function measure(what: keyof Felt, act: () => Promise<unknown>): Promise<void> {
  while (isOn) {
    const began = performance.now()
    await act().catch(() => {})
    longest[what] = Math.max(longest[what], performance.now() - began)
    await pause(20)
  }
}

const asking = measure('standstill', () => fetch(health).then((response) => response.text()))
const writing = measure('ack', () => {
  writer.write()
  return writer.drained(60_000)
})

parentPort?.on('message', async (message: 'forget' | 'end') => {
  if (message === 'forget') {
    longest.standstill = longest.ack = 0
    return
  }
  isOn = false
  await Promise.all([asking, writing])
  parentPort?.postMessage({ ...longest } satisfies Felt)
})
parentPort?.postMessage('ready')
