import type { Log } from '../log.ts'
import type { RunningServer } from '../server.ts'

interface StopParts {
  readonly server: Pick<RunningServer, 'stop'>
  readonly shutdownMs: number
  readonly log: Log
}

/** One Ctrl-C reaches a process started through npm several times: from the terminal and from each parent. */
const echoMs = 500
/** What closing sockets and the database may take beyond the time limit for commits. */
const closingMs = 5000

/** SIGINT and SIGTERM shut down in order (W3); a second one forces. */
export function stopOnSignals({ server, shutdownMs, log }: StopParts): void {
  let firstAt: number | null = null

  const onSignal = (signal: NodeJS.Signals): void => {
    if (firstAt === null) {
      firstAt = performance.now()
      log.info({ signal }, 'asked to stop')
      void stop()
    } else if (performance.now() - firstAt > echoMs) {
      log.error({ signal }, 'forced to stop at once; whatever was not acknowledged is not in the database')
      process.exit(1)
    }
  }

  const stop = async (): Promise<void> => {
    const limit = setTimeout(() => {
      log.error('the shutdown hangs, so it is cut short')
      process.exit(1)
    }, shutdownMs + closingMs)
    limit.unref()
    try {
      const uncommitted = await server.stop()
      process.exit(uncommitted === 0 ? 0 : 1)
    } catch (cause) {
      log.error({ err: cause }, 'the shutdown failed')
      process.exit(1)
    }
  }

  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
}
