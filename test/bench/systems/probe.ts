/**
 * Loaded into each measured server before its own code (`--import`), the same in all of them: answers its parent's
 * questions about the process from inside, and ends the process when the bench is gone.
 */
import { writeFile } from 'node:fs/promises'
import { Session } from 'node:inspector/promises'

export type ProbeQuestion =
  | { readonly ask: 'cpu' }
  | { readonly ask: 'memory' }
  | { readonly ask: 'profile-start' }
  | { readonly ask: 'profile-stop'; readonly path: string }

export type ProbeAnswer =
  /** CPU time of the whole process (all threads) since its start, in ms. */
  | { readonly answer: 'cpu'; readonly cpuMs: number }
  /** After a full garbage collection. */
  | { readonly answer: 'memory'; readonly residentBytes: number; readonly heapBytes: number }
  | { readonly answer: 'profile-start' }
  | { readonly answer: 'profile-stop' }
  | { readonly answer: 'failed'; readonly message: string }

let session: Session | null = null

async function answer(question: ProbeQuestion): Promise<ProbeAnswer> {
  switch (question.ask) {
    case 'cpu': {
      const { user, system } = process.cpuUsage()
      return { answer: 'cpu', cpuMs: (user + system) / 1000 }
    }
    case 'memory': {
      // Twice, with a turn between: finalizers of the first round free what the second collects.
      for (let round = 0; round < 3; round++) {
        globalThis.gc?.()
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
      const { rss, heapUsed } = process.memoryUsage()
      return { answer: 'memory', residentBytes: rss, heapBytes: heapUsed }
    }
    case 'profile-start': {
      session = new Session()
      session.connect()
      await session.post('Profiler.enable')
      await session.post('Profiler.setSamplingInterval', { interval: 250 })
      await session.post('Profiler.start')
      return { answer: 'profile-start' }
    }
    case 'profile-stop': {
      const { profile } = await session!.post('Profiler.stop')
      session?.disconnect()
      await writeFile(question.path, JSON.stringify(profile))
      return { answer: 'profile-stop' }
    }
  }
}

if (process.send) {
  process.on('message', (question: ProbeQuestion) => {
    answer(question).then(
      (reply) => process.send?.(reply),
      (error: unknown) => process.send?.({ answer: 'failed', message: String(error) } satisfies ProbeAnswer),
    )
  })
  process.once('disconnect', () => process.exit(1))
  process.channel?.unref()
}
