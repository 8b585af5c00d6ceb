import { TidemarkError } from '@tidemark/shared'
import { didYouMean } from './suggest.ts'

/** The values given for each flag (named without dashes), in order. */
export type Flags = ReadonlyMap<string, readonly string[]>

/**
 * Reads `--flag value` and `--flag=value`. A value that itself begins with `--` needs the second form, so that
 * a forgotten value is noticed.
 * @throws {TidemarkError} `configuration-invalid` for anything that is not in `known`, stands alone or is given twice
 */
export function readFlags(
  args: readonly string[],
  known: { once: readonly string[]; repeated?: readonly string[] },
): Flags {
  const repeated = known.repeated ?? []
  const names = [...known.once, ...repeated]
  const flags = new Map<string, string[]>()
  for (let index = 0; index < args.length; index++) {
    const arg = args[index]!
    const { name, value: attached } = splitFlag(arg)
    if (name === null) throw invalid(`"${shorten(arg)}" is not a flag. Write flags as --name value.`)
    if (!names.includes(name)) {
      const suggestion = didYouMean(
        `--${name}`,
        names.map((known) => `--${known}`),
      )
      throw invalid(`There is no flag --${shorten(name)}.${suggestion || ' See tidemark help for those there are.'}`)
    }
    let value = attached
    if (value === null) {
      value = args[++index] ?? null
      if (value === null || value.startsWith('--')) throw invalid(`--${name} needs a value. Write --${name} value.`)
    }
    const earlier = flags.get(name)
    if (earlier === undefined) flags.set(name, [value])
    else if (repeated.includes(name)) earlier.push(value)
    else throw invalid(`--${name} is given twice. Write it once.`)
  }
  return flags
}

function splitFlag(arg: string): { name: string | null; value: string | null } {
  if (!arg.startsWith('--')) return { name: null, value: null }
  const equals = arg.indexOf('=')
  if (equals === -1) return { name: arg.slice(2), value: null }
  return { name: arg.slice(2, equals), value: arg.slice(equals + 1) }
}

function shorten(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 60)}…`
}

function invalid(message: string): TidemarkError {
  return new TidemarkError('configuration-invalid', message)
}
