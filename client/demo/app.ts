import type { TidemarkError } from '@tidemark/shared'
import { leftBehindToast, switchQuestion } from './account-words.ts'
import { Accounts } from './accounts.ts'
import { brokenToast, mendingPause, openedAnewToast } from './broken-words.ts'
import type { Client, OpenDocument } from './client-types.ts'
import { createConfirm } from './confirm.ts'
import { type Account, Credentials } from './credentials.ts'
import type { DeviceMemory } from './device-memory.ts'
import { type DocumentView, showDocument } from './document-view.ts'
import { byId } from './dom.ts'
import { changeIdentity, type Identity, loadIdentity } from './identity.ts'
import { createIdentityForm } from './identity-form.ts'
import { createLinkDialog } from './link-dialog.ts'
import { page } from './page.ts'
import { pathOf, routeOf } from './route.ts'
import type { AuthMode } from './server-info.ts'
import { createSession } from './session.ts'
import { createSignIn } from './sign-in.ts'
import { signedOutToast, signingOutToast } from './sign-out.ts'
import { createSwitcher, nameRule } from './switcher.ts'
import { createToasts } from './toast.ts'

type Shown = { readonly tidemark: OpenDocument; readonly view: DocumentView }
type Session = { readonly client: Client; readonly subject: string | null }

export type App = {
  /** Begins as this kind of server wants it; called again when the server turns out to be of the other kind. */
  begin(mode: AuthMode): void
  /** Shows what the address says. */
  follow(): void
}

const firstReason = 'This server asks who you are before it opens a document.'
const againReason = 'The server no longer takes your token. Your edits are kept; paste a new token to save them.'

export function createApp(memory: DeviceMemory): App {
  const credentials = new Credentials()
  const accounts = new Accounts(memory)
  const toasts = createToasts(byId('toasts', HTMLElement))
  const onLinkWanted = createLinkDialog()
  const confirm = createConfirm()
  let identity: Identity = loadIdentity(memory)
  let mode: AuthMode = 'open'
  let session: Session | null = null
  let shown: Shown | null = null
  // opening and closing are asynchronous, and the person may click on: one after the other, in order
  let turn: Promise<void> = Promise.resolve()
  const inTurn = (step: () => Promise<void> | void) => {
    turn = turn.then(step).catch((error: unknown) => reportError(error))
  }

  const form = createIdentityForm(identity, (change) => {
    identity = changeIdentity(memory, identity, change)
    shown?.tidemark.awareness.setLocalStateField('user', identity)
    return identity
  })
  const signIn = createSignIn((token, account) => inTurn(() => enter(token, account)))
  const signOutButton = byId('sign-out', HTMLButtonElement)
  signOutButton.addEventListener('click', () => inTurn(leave))
  const go = (path: string) => {
    history.pushState(null, '', path)
    inTurn(showRoute)
  }
  const switcher = createSwitcher(memory, (name) => go(pathOf(name)))
  page.onDocumentLink(go)

  const closeShown = async () => {
    const closing = shown
    shown = null
    closing?.view.close()
    confirm.dismiss()
    toasts.clear()
    // what is not sent yet stays in the local store, and is sent the next time the document is open
    await closing?.tidemark.close()
  }

  const endSession = async () => {
    await closeShown()
    await session?.client.close()
    session = null
  }

  const startSession = async (subject: string | null) => {
    await endSession()
    session = { client: createSession(async () => credentials.token, subject), subject }
    signOutButton.hidden = mode === 'open'
    await showRoute()
  }

  const showRoute = async () => {
    const route = routeOf(location.pathname)
    if (session && route.kind === 'document' && shown?.tidemark.name === route.name) return
    for (const panel of document.querySelectorAll<HTMLElement>('[popover]')) panel.hidePopover()
    await closeShown()
    page.title(route.kind === 'document' ? route.name : 'No such document')
    page.message(route.kind === 'document' ? null : { title: 'A document cannot have this name', text: nameRule })
    if (!session || route.kind === 'invalid') return
    show(session.client, route.name, false)
    switcher.opened(route.name)
  }

  const show = (client: Client, name: string, isAnew: boolean) => {
    const tidemark = client.open(name)
    window.tidemark = { client, document: tidemark }
    tidemark.on('set-aside', () => inTurn(() => showAnew(tidemark, true)))
    tidemark.on('broken', ({ error }) => inTurn(() => mend(tidemark, error)))
    const askAgain = mode === 'open' ? null : () => signIn.ask({ reason: againReason, optional: true })
    const needs = { client, tidemark, identity, toasts, confirm, onLinkWanted, isAnew }
    shown = { tidemark, view: showDocument({ ...needs, signIn: askAgain }) }
  }

  /** What was shown takes no more part: its copy was set aside (R9.4), or its `Y.Doc` is broken (R3.6). */
  const showAnew = async (tidemark: OpenDocument, isSetAside: boolean) => {
    if (!session || shown?.tidemark !== tidemark) return
    const sheet = byId('document', HTMLElement)
    const hadFocus = sheet.contains(document.activeElement)
    await closeShown()
    show(session.client, tidemark.name, isSetAside)
    // where the person was, but not in the text: what they are about to type was meant for another one
    if (hadFocus) sheet.focus()
  }

  let mendedAt = Number.NEGATIVE_INFINITY
  const mend = async (tidemark: OpenDocument, error: TidemarkError) => {
    if (shown?.tidemark !== tidemark) return
    // what breaks a document as soon as it is shown would break it again and again
    const isRepeated = performance.now() - mendedAt < mendingPause
    mendedAt = performance.now()
    if (!isRepeated) await showAnew(tidemark, false)
    toasts.show(isRepeated ? brokenToast(error) : openedAnewToast)
  }

  /** Asks before the unsaved edits of the one who is signed in go out of sight. */
  const mayReplace = async ({ client, subject }: Session, next: Account): Promise<boolean> => {
    const { total } = client.getStatus()
    if (subject === next.subject || total === 0) return true
    const former = accounts.nameOf(subject)
    if (await confirm.ask(switchQuestion(former, next.name ?? next.subject, total))) return true
    signIn.ask({ reason: `Edits of ${former} are not saved. Paste a token of ${former} to save them.`, optional: true })
    return false
  }

  const tellLeftBehind = async (subject: string) => {
    const left = await accounts.leftBehind(subject)
    if (left.length > 0 && session?.subject === subject) toasts.show(leftBehindToast(left))
  }

  const enter = async (token: string, account: Account) => {
    if (session && !(await mayReplace(session, account))) return
    credentials.keep(token)
    accounts.remember(account)
    if (account.name !== null) {
      identity = changeIdentity(memory, identity, { name: account.name })
      form.show(identity)
      shown?.tidemark.awareness.setLocalStateField('user', identity)
    }
    if (session?.subject !== account.subject) {
      await startSession(account.subject)
      void tellLeftBehind(account.subject)
      return
    }
    toasts.dismiss('sign-in')
    for (const open of session.client.documents) open.retry()
  }

  const leave = async () => {
    if (!session) return
    const { client, subject } = session
    byId('people-panel', HTMLElement).hidePopover()
    toasts.show(signingOutToast)
    const ended = await client.signOut()
    credentials.forget()
    await endSession()
    signOutButton.hidden = true
    const wipe = () => client.signOut({ flush: false, wipe: 'always' })
    toasts.show(signedOutToast(ended, await accounts.leftBehind(subject), wipe))
    signIn.ask({ reason: 'You are signed out.', optional: false })
  }

  return {
    begin(wanted) {
      inTurn(async () => {
        mode = wanted
        page.openNotice(mode === 'open')
        await endSession()
        if (mode === 'open') {
          signIn.close()
          await startSession(null)
        } else {
          await showRoute()
          signIn.ask({ reason: firstReason, optional: false })
        }
      })
    },
    follow: () => inTurn(showRoute),
  }
}
