import { edits, leftBehindSentence } from './account-words.ts'
import type { LeftBehind } from './accounts.ts'
import type { Client } from './client-types.ts'
import type { Toast } from './toast.ts'

/** Shown while it lasts, which is up to five seconds. */
export const signingOutToast: Toast = {
  key: 'signed-out',
  title: 'Signing out',
  text: 'Waiting until the server has what is not saved yet.',
  tone: 'news',
  actions: [],
}

type Ended = Awaited<ReturnType<Client['signOut']>>

/**
 * Says how a sign-out ended (H7): all saved, or what is left on this device, which goes only if the person says so.
 * @param others what other accounts have left on this device
 */
export function signedOutToast(
  { drained, wiped, remaining }: Ended,
  others: readonly LeftBehind[],
  wipe: () => Promise<unknown>,
): Toast {
  const ofOthers = others.length === 0 ? '' : ` ${leftBehindSentence(others)}`
  if (drained) {
    const copies = wiped
      ? 'The copies on this device are removed.'
      : 'The copies on this device could not be removed: close the other tabs of this page, and sign in and out again.'
    return {
      key: 'signed-out',
      title: 'Signed out',
      text: `${others.length === 0 ? 'Everything' : 'Everything of yours'} was saved. ${copies}${ofOthers}`,
      tone: wiped && others.length === 0 ? 'news' : 'problem',
      actions: [],
    }
  }
  const list = remaining.map(({ name, pendingCount }) => `${edits(pendingCount)} of “${name}”`).join(', ')
  const what = list || 'The copies on this device could not be read, so it is not known what they hold'
  return {
    key: 'signed-out',
    title: 'Signed out, with edits that are not saved',
    text: `${what}: kept on this device, for when you sign in here again.${ofOthers}`,
    tone: 'problem',
    actions: [{ label: 'Delete them from this device', testId: 'wipe', run: () => void wipe() }],
  }
}
