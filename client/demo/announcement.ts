import type { Status } from './client-types.ts'

/** What a screen reader was told last. */
export type Spoken = 'nothing' | 'waiting' | 'saved' | 'offline' | `error:${string}`

/**
 * Decides what to read out. Each key press makes a document "syncing" and, a moment later, "saved"; said aloud, that
 * would drown the person's own words. So "Saved" is said only after something else was, and syncing only when it lasts.
 *
 * @param waited whether this status has lasted long enough to wonder about
 * @returns `null` when there is nothing new to say
 */
export function announcementOf(
  spoken: Spoken,
  status: Status,
  words: { readonly label: string; readonly detail: string },
  waited: boolean,
): { readonly spoken: Spoken; readonly text: string } | null {
  const sentence = words.detail && words.detail !== words.label ? `${words.label} ${words.detail}` : words.label
  const next = (said: Spoken, text = sentence) => (said === spoken ? null : { spoken: said, text })
  switch (status.kind) {
    case 'loading':
      return null
    case 'syncing':
      return waited ? next('waiting') : null
    case 'saved':
      return next('saved', words.label)
    case 'offline':
      return next('offline')
    case 'error':
      return next(`error:${status.error.code}`)
  }
}
