import { styleText } from 'node:util'
import type { Environment } from '../config/read-settings.ts'
import { type Config, configurationWarnings, parseConfig } from '../config.ts'
import { rerouteConsole } from '../log/reroute-console.ts'
import { createLog, logFailure } from '../log.ts'
import { startServer } from '../server.ts'
import { version } from '../version.ts'
import { stopOnSignals } from './signals.ts'

/** `tidemark serve`: runs a server until a signal ends it. stdout is for people, the log goes to stderr. */
export async function serveCommand(args: readonly string[], env: Environment): Promise<void> {
  const config = parseConfig(args, env)
  const log = createLog(config.logLevel)
  rerouteConsole(log)
  process.on('unhandledRejection', (cause) => logFailure(log, { code: 'internal', cause }))
  process.on('uncaughtException', (cause) => {
    // after this nothing is known of the state, but everything acknowledged is in the database
    logFailure(log, { code: 'internal', cause })
    process.exit(1)
  })

  say(`Tidemark ${version}, documents in ${placeOf(config)}`)
  for (const warning of configurationWarnings(config, env)) {
    say(`${styleText('yellow', 'warning', { stream: process.stdout })} ${warning}`)
  }
  const server = await startServer(config, { log })
  stopOnSignals({ server, shutdownMs: config.shutdownMs, log })
  say(`ready ${server.url}`)
}

function placeOf({ databaseUrl, dataFolder }: Config): string {
  if (databaseUrl === null) return `${dataFolder} (database inside this process)`
  const { hostname, port, pathname } = new URL(databaseUrl)
  return `Postgres ${hostname}${port && `:${port}`}${pathname}`
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
