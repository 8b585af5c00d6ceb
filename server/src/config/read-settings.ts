import { TidemarkError } from '@tidemark/shared'
import { readFlags } from './flags.ts'
import { type Setting, type SettingValues, settings, settingTitle } from './settings.ts'
import { nearest } from './suggest.ts'

export type Environment = Readonly<Record<string, string | undefined>>

const all: readonly Setting[] = Object.values(settings)

/**
 * Reads every setting: flags over environment over defaults (W1). An empty variable counts as not set, as compose files
 * write them; an empty secret does not, for it would open the server.
 * @throws {TidemarkError} `configuration-invalid`
 */
export function readSettings(args: readonly string[], env: Environment): SettingValues {
  const flags = readFlags(args, { once: all.flatMap((setting) => setting.flag ?? []) })
  const values = Object.entries<Setting>(settings).map(([name, setting]) => {
    const flag = setting.flag === null ? undefined : flags.get(setting.flag)?.[0]
    return [name, readSetting(setting, flag ?? fromEnvironment(setting, env))]
  })
  // each value has just passed the schema of its own name
  return Object.fromEntries(values) as SettingValues
}

function fromEnvironment(setting: Setting, env: Environment): string | undefined {
  const text = env[setting.variable]
  return text === '' && setting !== settings.authSecret ? undefined : text
}

function readSetting(setting: Setting, given: string | undefined): unknown {
  const text = given ?? setting.default
  if (text === null) return null
  const result = setting.kind.schema.safeParse(text)
  if (result.success) return result.data
  const problem = result.error.issues[0]?.message ?? 'it is not understood'
  const value = setting.confidential ? 'The value' : `"${text.length <= 80 ? text : `${text.slice(0, 80)}…`}"`
  throw invalidSetting(setting, `${value} cannot be used: ${problem}. Write ${setting.kind.expects}.`)
}

export function invalidSetting(setting: Setting, problem: string): TidemarkError {
  return new TidemarkError('configuration-invalid', `${settingTitle(setting)}: ${problem}`)
}

/** Variables that begin like ours and are none: a misspelt secret must not go unnoticed. */
export function unknownVariables(env: Environment): { variable: string; suggestion: string | null }[] {
  const known = all.map((setting) => setting.variable)
  return Object.keys(env)
    .filter((variable) => variable.startsWith('TIDEMARK_') && !known.includes(variable))
    .map((variable) => ({ variable, suggestion: nearest(variable, known) }))
}
