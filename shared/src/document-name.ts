import { TidemarkError } from './errors.ts'

/** The longest document name, in bytes of UTF-8. */
export const maxDocumentNameBytes = 512

/**
 * A document name is 1 to 512 bytes of well-formed Unicode with no control characters and no segment `.` or `..`,
 * is not blank, and neither begins nor ends with a slash or white space. Slashes inside it group documents (`team-7/plan`).
 */
export function isDocumentName(name: unknown): name is string {
  if (typeof name !== 'string' || name.length === 0 || name.length > maxDocumentNameBytes) return false
  if (name !== name.trim() || !name.isWellFormed() || /\p{Cc}/u.test(name)) return false
  if (name.split('/').some((segment) => segment === '' || segment === '.' || segment === '..')) return false
  // an encoded slash or dot would name another document to every proxy on the way
  if (/%2f|%5c|%2e%2e|%00/i.test(name) || name.includes('\\')) return false
  return new TextEncoder().encode(name).length <= maxDocumentNameBytes
}

/** @throws {TidemarkError} `document-name-invalid` */
export function parseDocumentName(name: unknown): string {
  if (isDocumentName(name)) return name
  throw new TidemarkError('document-name-invalid')
}
