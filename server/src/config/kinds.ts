import { isIP } from 'node:net'
import * as z from 'zod'

/** A kind of value that a setting may have: how its text is read, and how a person is told what to write. */
export interface Kind<Value> {
  /** Reads the text of a flag or a variable; its issue says what is wrong ("it is not a whole number"). */
  readonly schema: z.ZodType<Value, string>
  /** What to write, as the end of "Write …". */
  readonly expects: string
}

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

export const plainText: Kind<string> = {
  schema: z
    .string()
    .trim()
    .refine((text) => text.trim() !== '', 'it is blank')
    .refine((text) => !/\p{Cc}/u.test(text), 'it holds a control character'),
  expects: 'some text without control characters',
}

/** Taken as it is: whoever signs with it elsewhere uses the same bytes, so a stray line break must be seen, not trimmed. */
export const secretText: Kind<string> = {
  schema: z
    .string()
    .refine((text) => text !== '', 'it is empty')
    .refine((text) => text === text.trim(), 'it begins or ends with white space')
    .refine((text) => !/\p{Cc}/u.test(text), 'it holds a control character'),
  expects: 'at least 32 bytes of text, such as the output of "openssl rand -base64 48"',
}

export function wholeNumber(least: number, most: number): Kind<number> {
  return {
    schema: z
      .string()
      .trim()
      .regex(/^\d{1,15}$/, 'it is not a whole number')
      .transform(Number)
      .pipe(z.number().min(least, 'it is too small').max(most, 'it is too large')),
    expects: `a whole number from ${least} to ${most}`,
  }
}

const unitBytes = { b: 1, kib: 1024, mib: 1024 ** 2, gib: 1024 ** 3 } as const

export function byteSize(least: number, most: number): Kind<number> {
  return {
    schema: z
      .string()
      .trim()
      .regex(/^\d{1,12} ?(B|KiB|MiB|GiB)?$/i, 'it is not a size')
      .transform((text) => {
        const unit = text.replace(/[\d ]/g, '').toLowerCase() || 'b'
        return Number.parseInt(text, 10) * unitBytes[unit as keyof typeof unitBytes]
      })
      .pipe(z.number().min(least, 'it is too small').max(most, 'it is too large')),
    expects: `a size from ${sizeText(least)} to ${sizeText(most)}, such as 1048576 or 1MiB`,
  }
}

export function sizeText(bytes: number): string {
  for (const [unit, size] of [
    ['GiB', unitBytes.gib],
    ['MiB', unitBytes.mib],
    ['KiB', unitBytes.kib],
  ] as const) {
    if (bytes >= size && bytes % size === 0) return `${bytes / size}${unit}`
  }
  return `${bytes}`
}

export function oneOf<const Choice extends string>(choices: readonly Choice[]): Kind<Choice> {
  return {
    schema: z
      .string()
      .trim()
      .refine((text): text is Choice => (choices as readonly string[]).includes(text), 'it is not one of the choices'),
    expects: `one of ${choices.join(', ')}`,
  }
}

/** A URL of one of the given schemes. `example` stands in the message: the value itself may hold a password. */
export function url(schemes: readonly string[], example: string): Kind<URL> {
  return {
    schema: z
      .string()
      .trim()
      .refine((text) => URL.canParse(text), 'it is not a URL')
      .transform((text) => new URL(text))
      .refine(
        (address) => schemes.includes(address.protocol.slice(0, -1)),
        `it does not begin with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
      ),
    expects: `a URL such as ${example}`,
  }
}

/** The address to listen on: an IP address, or a name that resolves to one. */
export const listenAddress: Kind<string> = {
  schema: z
    .string()
    .trim()
    .transform((text) => text.replace(/^\[(.*)\]$/, '$1').toLowerCase())
    .refine((text) => isIP(text) !== 0 || isHostName(text), 'it is neither an IP address nor a host name'),
  expects: 'an address such as 127.0.0.1, or 0.0.0.0 for every interface',
}

/** Names (with or without a port) under which a server may be addressed; compared without regard to case. */
export const hostList: Kind<string[]> = {
  schema: list(z.string().refine(isHostAndPort, 'an entry is not a host name, with or without a port')),
  expects: 'names separated by commas, without http://, such as docs.example.org,10.0.0.5:4321',
}

/** Origins of foreign pages, as a browser writes them into the `Origin` header. */
export const originList: Kind<string[]> = {
  schema: list(z.string().refine(isOrigin, 'an entry is not an origin')).transform((origins) =>
    origins.map((origin) => origin.replace(/\/$/, '')),
  ),
  expects: 'origins separated by commas, such as https://app.example.org (scheme and name, no path, no *)',
}

/** Addresses of machines, or of whole networks. */
export const addressList: Kind<string[]> = {
  schema: list(z.string().refine(isAddressOrNetwork, 'an entry is neither an address nor a network')),
  expects: 'addresses or networks separated by commas, such as 10.0.0.5,172.16.0.0/12,fd00::/8',
}

function list(entry: z.ZodType<string, string>): z.ZodType<string[], string> {
  return z
    .string()
    .transform((text) =>
      text
        .split(',')
        .map((part) => part.trim().toLowerCase())
        .filter((part) => part !== ''),
    )
    .pipe(z.array(entry))
}

function isHostName(text: string): boolean {
  return text.length <= 253 && /^[a-z\d_]([a-z\d_-]*[a-z\d_])?(\.[a-z\d_]([a-z\d_-]*[a-z\d_])?)*\.?$/.test(text)
}

function isHostAndPort(text: string): boolean {
  const [, bracketed, name, port] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(\d{1,5}))?$/.exec(text) ?? []
  if (port !== undefined && Number(port) > 65_535) return false
  return bracketed === undefined ? name !== undefined && isHostName(name) : isIP(bracketed) === 6
}

function isAddressOrNetwork(text: string): boolean {
  const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const kind = isIP(address)
  return kind !== 0 && (bits === undefined || Number(bits) <= (kind === 6 ? 128 : 32))
}

function isOrigin(text: string): boolean {
  // `URL.origin` is "null" for an app's own scheme (capacitor://localhost), which a browser does send
  if (!/^[a-z][a-z\d+.-]*:\/\/[^/?#@\s*]+\/?$/.test(text) || !URL.canParse(text)) return false
  return new URL(text).host !== ''
}
