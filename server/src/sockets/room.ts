import { closeCode } from '@tidemark/shared'
import type { DocumentSize } from '../documents/size.ts'
import type { Claims } from './claims.ts'
import type { Gate } from './gate.ts'
import type { Session } from './session.ts'

/** Who removed something from a document, and what. */
export interface Removal {
  session: Session
  claims: Claims
}

/**
 * Something was removed from a document, or there is more room than was known: sessions whose edits were refused for want of room may send them again (R8.5).
 * A Tidemark client does when it is told so; a stock one when it connects again.
 */
export function makeRoom(
  gates: readonly Gate[],
  { documentName, size, limit }: { documentName: string; size: DocumentSize; limit: number },
  removal: Removal | null,
): void {
  size.isWaitedFor = false
  for (const gate of gates) {
    for (const session of gate.sessions.values()) {
      const { refusals } = session
      if (session.documentName !== documentName || refusals.withoutRoom.bytes === 0) continue
      // what its writer took back is smaller when it is sent again
      const isTakenBack = removal?.session === session && refusals.isTakenBackBy(removal.claims)
      if (!isTakenBack && !size.fits(refusals.withoutRoom, limit)) size.isWaitedFor = true
      else if (session.isTidemark) gate.tell(session, { tidemark: 'recovered', code: 'document-too-large' })
      else gate.close(closeCode.reset, 'connection-lost')
    }
  }
}
