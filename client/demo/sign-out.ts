import type { Toast } from './toast.ts'

/** Shown while it lasts, which is up to five seconds. */
export const signingOutToast: Toast = {
  key: 'signed-out',
  title: 'Signing out',
  text: 'Waiting until the server has what is not saved yet.',
  tone: 'news',
  actions: [],
}

type Remaining = readonly { readonly name: string; readonly pendingCount: number }[]

/** Says how a sign-out ended (H7): all saved, or what is left on this device, which goes only if the person says so. */
export function leftoverToast(remaining: Remaining, wipe: () => Promise<unknown>): Toast {
  if (remaining.length === 0) {
    return {
      key: 'signed-out',
      title: 'Signed out',
      text: 'Everything was saved. The copies on this device are removed.',
      tone: 'news',
      actions: [],
    }
  }
  const list = remaining.map(({ name, pendingCount }) => `${edits(pendingCount)} of “${name}”`).join(', ')
  return {
    key: 'signed-out',
    title: 'Signed out, with edits that are not saved',
    text: `${list}: kept on this device, for when you sign in here again.`,
    tone: 'problem',
    actions: [{ label: 'Delete them from this device', testId: 'wipe', run: () => void wipe() }],
  }
}

function edits(count: number): string {
  return count === 1 ? '1 edit' : `${count} edits`
}
