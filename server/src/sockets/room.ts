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
 * Something was removed from a document: sessions whose edits were refused for want of room may send them again (R8.5).
 * A Tidemark client does when it is told so; a stock one when it connects again.
 */
export function makeRoom(gates: readonly Gate[], size: DocumentSize, limit: number, removal: Removal): void {
  size.isWaitedFor = false
  for (const gate of gates) {
    for (const session of gate.sessions.values()) {
      const { refusals } = session
      if (session.documentName !== removal.session.documentName || refusals.bytesWithoutRoom === 0) continue
      // what its writer took back is smaller when it is sent again
      const isTakenBack = removal.session === session && refusals.isTakenBackBy(removal.claims)
      if (!isTakenBack && !size.fits(refusals.bytesWithoutRoom, limit)) size.isWaitedFor = true
      else if (session.isTidemark) gate.tell(session, { tidemark: 'recovered', code: 'document-too-large' })
      else gate.close(closeCode.reset, 'connection-lost')
    }
  }
}
