import { element } from './dom.ts'
import { icon } from './icons.ts'

export type ToastAction = {
  readonly label: string
  readonly testId: string
  readonly run: () => void
  /** It only asks: the problem is still there if the person then says no. */
  readonly keepsToast?: boolean
}

export type Toast = {
  /** One toast for each key: the same problem again replaces its words, it does not pile up. */
  readonly key: string
  readonly title: string
  readonly text: string
  readonly tone: 'problem' | 'news'
  readonly actions: readonly ToastAction[]
}

export type Toasts = {
  show(toast: Toast): void
  dismiss(key: string): void
  clear(): void
}

/** Toasts stay until they are dismissed, acted upon, or no longer true: what matters is not taken away by a timer. */
export function createToasts(region: HTMLElement): Toasts {
  const shown = new Map<string, { readonly made: HTMLElement; readonly words: string }>()

  const dismiss = (key: string) => {
    shown.get(key)?.made.remove()
    shown.delete(key)
  }

  return {
    show(toast) {
      const words = `${toast.title}\n${toast.text}`
      if (shown.get(toast.key)?.words === words) return
      dismiss(toast.key)
      const close = element(
        'button',
        { class: 'icon-button', type: 'button', 'aria-label': 'Dismiss', 'data-testid': 'toast-dismiss' },
        icon('close'),
      )
      close.addEventListener('click', () => dismiss(toast.key))
      const buttons = toast.actions.map((action) => {
        const button = element(
          'button',
          { class: 'button', type: 'button', 'data-testid': action.testId },
          action.label,
        )
        button.addEventListener('click', () => {
          if (!action.keepsToast) dismiss(toast.key)
          action.run()
        })
        return button
      })
      const made = element(
        'div',
        { class: 'toast', 'data-testid': 'toast', 'data-key': toast.key, 'data-tone': toast.tone },
        element('span', { class: 'toast-icon' }, icon(toast.tone === 'problem' ? 'alert' : 'check')),
        element(
          'div',
          { class: 'toast-body' },
          element('p', { class: 'toast-title' }, toast.title),
          element('p', { class: 'toast-text' }, toast.text),
          ...(buttons.length > 0 ? [element('div', { class: 'toast-actions' }, ...buttons)] : []),
        ),
        close,
      )
      shown.set(toast.key, { made, words })
      region.append(made)
    },
    dismiss,
    clear() {
      for (const key of [...shown.keys()]) dismiss(key)
    },
  }
}
