#!/usr/bin/env node
import { helpCommand } from './cli/help.ts'
import { explain } from './cli/start-failure.ts'
import { didYouMean } from './config/suggest.ts'
import { version } from './version.ts'

type Command = (args: readonly string[]) => Promise<void> | void

// a command loads what it needs when it is given: a whole server takes a second
const commands: Readonly<Record<string, Command>> = {
  serve: async (args) => (await import('./cli/serve.ts')).serveCommand(args, process.env),
  token: async (args) => (await import('./cli/token.ts')).tokenCommand(args, process.env),
  help: helpCommand,
  version: () => console.log(version),
}

const aliases: Readonly<Record<string, string>> = {
  '--help': 'help',
  '-h': 'help',
  '--version': 'version',
  '-v': 'version',
}

async function main([given = 'help', ...args]: readonly string[]): Promise<void> {
  const name = aliases[given] ?? given
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (!command) {
    const suggestion = didYouMean(name, Object.keys(commands))
    process.stderr.write(`tidemark: there is no command "${name.slice(0, 60)}".${suggestion} See tidemark help.\n`)
    process.exitCode = 1
    return
  }
  if (args.some((arg) => arg === '--help' || arg === '-h')) return helpCommand([name])
  await command(args)
}

// a reader that went away (| head) is no reason to crash, least of all for a server
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

try {
  await main(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`tidemark: ${explain(error)}\n`)
  process.exit(1)
}
