import type { LinkEvents } from '../link/contract.ts'
import { makesHelpless } from '../tabs/fitness.ts'
import type { SyncParts } from './parts.ts'

type Parts = Pick<SyncParts, 'means' | 'standing' | 'failures' | 'tabs' | 'copyNotes' | 'settingAside' | 'accountGate'>

/** What follows from what the link says. */
export function linkEffects(parts: Parts): LinkEvents {
  const { means, standing, failures, tabs } = parts
  const { clock } = means.settings
  const happened = standing.happened.bind(standing)
  return {
    connectionChanged: (connection) => {
      // what a follower shows is the leader's connection
      if (tabs.isLeader) happened({ type: 'connection', connection, at: clock.now() })
    },
    connectionFailed: (error) => {
      if (!tabs.isLeader) return
      happened({ type: 'connection-failed', error, at: clock.now() })
      // logged by the client, once for all documents
      failures.tell(error)
      tabs.tellFailure(error)
    },
    sessionBegan: () => {
      happened({ type: 'session-began' })
      tabs.askPresence()
    },
    sessionEnded: () => {
      if (tabs.isLeader) happened({ type: 'session-ended' })
    },
    sessionFailed: (error) => {
      if (tabs.isLeader) happened({ type: 'session-failed', error, at: clock.now() })
    },
    sent: (count) => happened({ type: 'sent', parts: count }),
    acknowledged: () => parts.copyNotes.acknowledged(clock.now()),
    refused: (error) => {
      happened({ type: 'refused', error })
      tabs.setHelpless(makesHelpless(error.code))
    },
    hello: (hello) => {
      parts.copyNotes.greeted(hello)
      happened({ type: 'permitted', level: hello.level })
      if (hello.level !== 'read') tabs.setHelpless(false)
    },
    obstructed: (error) => {
      if (!tabs.isLeader) return
      happened({ type: 'obstructed', error, at: clock.now() })
      tabs.setHelpless(makesHelpless(error.code))
      if (error.code === 'account-mismatch') parts.accountGate.watchOwner()
      if (error.code === 'epoch-mismatch') void parts.settingAside.mismatched()
    },
    unobstructed: () => {
      if (tabs.isLeader) happened({ type: 'unobstructed' })
    },
    failed: (error, attempt) => {
      failures.report(error, attempt)
      tabs.tellFailure(error)
    },
    healing: (error) => failures.heal(error),
  }
}
