import type { TidemarkError } from '@tidemark/shared'
import type { Awareness } from 'y-protocols/awareness'
import type * as Y from 'yjs'
import type { DocumentMeans } from '../document-contract.ts'
import type { Failures } from '../failures.ts'
import { Link } from '../link/link.ts'
import type { Standing } from '../standing.ts'
import type { LocalCopy } from '../store/local-copy.ts'
import { Tabs } from '../tabs/tabs.ts'
import { clientVersion } from '../version.ts'
import { AccountGate } from './account-gate.ts'
import { copyEffects } from './copy-effects.ts'
import { CopyNotes } from './copy-notes.ts'
import { DiskNews } from './disk-news.ts'
import { Edits } from './edits.ts'
import { Life } from './life.ts'
import { linkEffects } from './link-effects.ts'
import { Membership } from './membership.ts'
import { Ownership } from './ownership.ts'
import { SettingAside } from './setting-aside.ts'
import { tabsEffects } from './tabs-effects.ts'

export interface SyncTarget {
  readonly name: string
  readonly doc: Y.Doc
  readonly awareness: Awareness
  readonly opening: string
}

export interface SyncEvents {
  /** The copy's history is over; the document has to be opened anew. */
  setAside(error: TidemarkError): void
}

/** What the sync of one opening is made of. The parts need each other, but none another before all of them are here. */
export class SyncParts {
  readonly target: SyncTarget
  readonly means: DocumentMeans
  readonly standing: Standing
  readonly failures: Failures
  readonly life = new Life()
  readonly edits: Edits
  readonly ownership: Ownership
  readonly membership: Membership
  readonly copyNotes: CopyNotes
  readonly diskNews: DiskNews
  readonly settingAside: SettingAside
  readonly accountGate: AccountGate
  readonly tabs: Tabs
  readonly link: Link
  readonly copy: LocalCopy

  constructor(
    target: SyncTarget,
    means: DocumentMeans,
    { standing, failures }: { readonly standing: Standing; readonly failures: Failures },
    events: SyncEvents,
  ) {
    this.target = target
    this.means = means
    this.standing = standing
    this.failures = failures
    // Before the link's own listeners: an edit is counted before anything can be sent that carries it.
    this.edits = new Edits(this)
    this.ownership = new Ownership(target.opening, () => this.copy)
    this.membership = new Membership(this)
    this.copyNotes = new CopyNotes(this)
    this.diskNews = new DiskNews(this)
    this.settingAside = new SettingAside(this, (error) => events.setAside(error))
    this.accountGate = new AccountGate(this)
    this.tabs = new Tabs(target, means.settings.tabs, means.settings.clock, tabsEffects(this))
    this.link = this.#openLink()
    this.copy = means.copies.open({ document: target.name, doc: target.doc, id: target.opening }, copyEffects(this))
  }

  #openLink(): Link {
    const { target, means, standing, copyNotes, accountGate, tabs } = this
    const { clock, retry, sendWindow } = means.settings
    return new Link(
      target,
      {
        socket: means.socket,
        tokens: means.tokens,
        clock,
        retry,
        sendWindow,
        version: clientVersion,
        history: () => copyNotes.history ?? {},
        admit: (token) => accountGate.admit(token),
        nearClients: () => tabs.clients,
        together: (work) => standing.together(work),
      },
      linkEffects(this),
    )
  }
}
