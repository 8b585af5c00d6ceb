import type { ErrorCode } from '@tidemark/shared'
import type { Documents } from '../documents/documents.ts'
import type { OpenDocument } from '../documents/open-document.ts'
import { type Claims, isHeldBack } from './claims.ts'

/**
 * Has what a document lacks of an edit stored, if Yjs keeps that aside for want of predecessors: it emitted no update for it,
 * and the edit would be acknowledged without being stored (R1.4).
 * @returns what is wrong with the edit if it is not kept aside either
 */
export function keepHeldBack(
  documents: Documents,
  open: OpenDocument,
  { update, claims }: { update: Uint8Array; claims: Claims },
  author: string | null,
): ErrorCode | null {
  if (!isHeldBack(open.document, claims)) return 'update-malformed'
  // a copy: the update is a view into the socket's read buffer
  documents.append(open, update.slice(), author)
  return null
}
