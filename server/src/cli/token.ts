import { TidemarkError } from '@tidemark/shared'
import { type Level, levels } from '../auth/access.ts'
import { signToken } from '../auth/sign-token.ts'
import { readFlags } from '../config/flags.ts'
import type { Environment } from '../config/read-settings.ts'

/** The flags of `tidemark token`, for reading them and for `--help`. */
export const tokenFlags = [
  { flag: 'sub', value: 'id', help: "The person's id, under which their edits are recorded (required)." },
  { flag: 'name', value: 'text', help: 'Their name, as others see it.' },
  {
    flag: 'document',
    value: 'pattern=level',
    help: `What they may do: ${levels.join(', ')} on a document, folder/* or * (repeatable, required).`,
  },
  { flag: 'expires', value: 'span', help: 'When it runs out: such as 15m, 1h (default), 30d, or never.' },
  {
    flag: 'secret-from-env',
    value: 'variable',
    help: "Variable that holds the server's secret (default: TIDEMARK_AUTH_SECRET).",
  },
] as const

/** `tidemark token`: prints a token for trying a server out; nothing else goes to stdout. */
export async function tokenCommand(args: readonly string[], env: Environment): Promise<void> {
  const repeated = ['document']
  const once = tokenFlags.map(({ flag }) => flag).filter((flag) => !repeated.includes(flag))
  const flags = readFlags(args, { once, repeated })
  const one = (flag: string) => flags.get(flag)?.[0]

  const sub = one('sub') ?? ''
  if (sub === '') throw invalid('A token needs a person. Write --sub and their id, such as --sub ada.')
  const grants = flags.get('document') ?? []
  if (grants.length === 0) {
    throw invalid("A token needs documents. Write --document pattern=level, such as --document 'team-7/*=write'.")
  }
  const expires = one('expires') ?? '1h'
  const token = await signToken(secretFrom(env, one('secret-from-env') ?? 'TIDEMARK_AUTH_SECRET'), {
    sub,
    name: one('name'),
    documents: Object.fromEntries(grants.map(parseGrant)),
    expiresIn: expires === 'never' ? undefined : expires,
  })
  process.stdout.write(`${token}\n`)
}

function secretFrom(env: Environment, variable: string): string {
  const secret = env[variable]
  if (secret !== undefined && secret !== '') return secret
  // somebody may have written the secret itself: it is not repeated
  const name = /^[A-Z][A-Z\d_]*$/.test(variable) ? variable : 'The variable that --secret-from-env names'
  throw invalid(`${name} is not set. Set it to the server's TIDEMARK_AUTH_SECRET.`)
}

function parseGrant(grant: string): [pattern: string, level: Level] {
  const at = grant.lastIndexOf('=')
  const level = levels.find((level) => level === grant.slice(at + 1))
  if (at > 0 && level !== undefined) return [grant.slice(0, at), level]
  throw invalid(`--document: "${grant}" is not pattern=level. Write ${levels.join(', ')} as level, such as plan=read.`)
}

function invalid(message: string): TidemarkError {
  return new TidemarkError('configuration-invalid', message)
}
