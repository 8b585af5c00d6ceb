import { isDocumentName } from '@tidemark/shared'
import type { Level } from './access.ts'

/** Levels by name pattern. */
export type Grants = ReadonlyMap<string, Level>

/** The pattern that stands for every document, and with `admin` for the server itself. */
export const everything = '*'

/**
 * A pattern is a document's name, or `folder/*` for everything below a folder, or `*` for everything. There are no other
 * wildcards: `team*` would look as if it covered `team-7`, so it is no pattern at all.
 */
export function isPattern(pattern: unknown): pattern is string {
  if (pattern === everything) return true
  if (typeof pattern !== 'string') return false
  const name = pattern.endsWith('/*') ? pattern.slice(0, -2) : pattern
  return isDocumentName(name) && !name.includes('*')
}

/**
 * @returns the level that the longest matching pattern gives, so that a narrow grant limits a wide one (S3). Longest is
 * what says most of the name: the `*` itself does not count, so the document `b` is decided by `b` before `*`.
 */
export function levelFor(grants: Grants, documentName: string): Level | null {
  const exact = grants.get(documentName)
  // a document may be called "a/*" or "*"; the pattern of that name then means what patterns mean
  if (exact !== undefined) return exact
  for (let end = documentName.lastIndexOf('/'); end > 0; end = documentName.lastIndexOf('/', end - 1)) {
    const level = grants.get(`${documentName.slice(0, end)}/*`)
    if (level !== undefined) return level
  }
  return grants.get(everything) ?? null
}
