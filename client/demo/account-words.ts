import type { LeftBehind } from './accounts.ts'
import type { Question } from './confirm.ts'
import type { Toast } from './toast.ts'

export const edits = (count: number): string => (count === 1 ? '1 edit' : `${count} edits`)

/** Somebody else signs in while edits of the one before are not saved (D3.6): nothing is lost, and both should know. */
export function switchQuestion(former: string, next: string, count: number): Question {
  const are = count === 1 ? 'is' : 'are'
  return {
    title: `Sign in as ${next}?`,
    text:
      `${edits(count)} of ${former} ${are} not saved. They stay on this device, out of sight, and are sent when ` +
      `${former} signs in here again. To save them now, cancel and paste a token of ${former}.`,
    action: `Sign in as ${next}`,
  }
}

/** Told to whoever is signed in now; not of which documents, which may be none of their business. */
export function leftBehindToast(left: readonly LeftBehind[]): Toast {
  const [first] = left
  return {
    key: 'left-behind',
    title: left.length === 1 && first ? `Edits of ${first.who} are not saved` : 'Edits of others are not saved',
    text: leftBehindSentence(left),
    tone: 'problem',
    actions: [],
  }
}

export function leftBehindSentence(left: readonly LeftBehind[]): string {
  const [first, ...others] = left
  if (first && others.length === 0) {
    const are = first.count === 1 ? 'is not saved, and stays' : 'are not saved, and stay'
    return `${edits(first.count)} of ${first.who} ${are} on this device until ${first.who} signs in here again.`
  }
  const list = left.map(({ who, count }) => `${edits(count)} of ${who}`).join(', ')
  return `Not saved, and kept on this device until they sign in here again: ${list}.`
}
