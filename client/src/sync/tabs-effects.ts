import { reportOf } from '../status/status.ts'
import type { TabsEvents } from '../tabs/tabs.ts'
import type { SyncParts } from './parts.ts'
import { flushNow, retryNow } from './requests.ts'

type Parts = Pick<
  SyncParts,
  | 'means'
  | 'standing'
  | 'failures'
  | 'life'
  | 'copy'
  | 'tabs'
  | 'link'
  | 'edits'
  | 'copyNotes'
  | 'diskNews'
  | 'settingAside'
>

/** What follows from what the other tabs say. */
export function tabsEffects(parts: Parts): TabsEvents {
  const { means, standing, failures } = parts
  return {
    roleChanged: (isLeader, unkept) => roleChanged(parts, isLeader, unkept),
    together: (work) => standing.together(work),
    held: (made, acknowledged, update) => parts.edits.held(made, acknowledged, update),
    reported: (report, history) => {
      parts.copyNotes.learnt(history)
      const at = means.settings.clock.now()
      standing.happened({ type: 'leader-said', report, at }, () => parts.copyNotes.acknowledgeStored())
    },
    inherited: (edits, opening) => parts.edits.inherited(edits, opening),
    asked: (what) => (what === 'flush' ? flushNow(parts) : retryNow(parts)),
    failed: (error) => failures.tell(error),
    setAside: (reason) => parts.settingAside.heard(reason),
    resumed: () => void parts.diskNews.look(),
    newsOnDisk: () => void parts.diskNews.look(),
    vectors: () => standing.situation.positions,
    report: () => ({ report: reportOf(standing.situation), history: parts.copyNotes.history }),
  }
}

function roleChanged(
  { life, standing, copy, link }: Parts,
  isLeader: boolean,
  unkept: readonly Uint8Array[] = [],
): void {
  if (life.isClosed) return
  copy.setCaretaker(isLeader)
  if (!isLeader) {
    link.stop({ isHandOver: true })
    return
  }
  standing.happened({ type: 'role-changed' }, () => {
    for (const update of unkept) void copy.keep(update, null)
    link.start()
  })
}
