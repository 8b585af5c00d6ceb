import { type Setting, settings } from '../config/settings.ts'
import { version } from '../version.ts'
import { tokenFlags } from './token.ts'

/** `tidemark help [command]`. */
export function helpCommand([command]: readonly string[]): void {
  const text = command === 'serve' ? serveHelp() : command === 'token' ? tokenHelp() : overview()
  process.stdout.write(`${text}\n`)
}

function overview(): string {
  return `Tidemark ${version}: Yjs collaboration where "Saved" means saved.

Commands
  tidemark serve [flags]   run a server; with nothing configured, for this machine only
  tidemark token [flags]   print a token for trying things out
  tidemark version         print the version
  tidemark help [command]  show this, or the flags of serve or token

Start with:  tidemark serve`
}

const groupTitles: Readonly<Record<Setting['group'], string>> = {
  server: 'Server',
  storage: 'Where documents are kept',
  'sign-in': 'Who may sign in (one of secret and key set; without them, anybody on this machine)',
  network: 'Under which names and from which pages it is reached',
  limits: 'Limits',
  timing: 'Timing',
}

function serveHelp(): string {
  const groups = Object.entries(groupTitles).map(([group, title]) => {
    const lines = Object.values<Setting>(settings)
      .filter((setting) => setting.group === group)
      .map(describe)
    return `${title}\n${lines.join('\n')}`
  })
  return `tidemark serve [flags]

Each setting is a flag, or a variable, or its default, in this order.

${groups.join('\n\n')}`
}

function describe(setting: Setting): string {
  const { flag, variable, placeholder, help } = setting
  const names = flag === null ? variable : `--${flag} <${placeholder}>, ${variable}`
  const standard = setting.default ? ` Default: ${setting.default}.` : ''
  return `  ${names}\n      ${help}${standard}`
}

function tokenHelp(): string {
  const lines = tokenFlags.map(({ flag, value, help }) => `  --${flag} <${value}>\n      ${help}`)
  return `tidemark token [flags]

Prints a token, signed with the server's secret, and nothing else.

${lines.join('\n')}

Example
  tidemark token --sub ada --name Ada --document 'team-7/*=write' --expires 1h`
}
