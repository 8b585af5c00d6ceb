import { byId, setText } from './dom.ts'

export type Question = {
  readonly title: string
  readonly text: string
  /** What is done if the person says so; the label of the button. */
  readonly action: string
  readonly isDestructive?: boolean
  /** Shown below the text: what it would be like. Plain text. */
  readonly preview?: { readonly label: string; readonly text: string }
}

/** Long previews are cut: they are to recognise a text by, not to read it. */
const longestPreview = 4000

export type Confirm = {
  ask(question: Question): Promise<boolean>
  /** What was asked about is gone: the answer is no. */
  dismiss(): void
}

/** Asks before something that cannot be taken back. Escape and "Cancel" say no; the focus begins on "Cancel". */
export function createConfirm(): Confirm {
  const dialog = byId('confirm-dialog', HTMLDialogElement)
  const action = byId('confirm-action', HTMLButtonElement)
  const preview = byId('confirm-preview', HTMLElement)
  let answer: ((isWanted: boolean) => void) | null = null

  const finish = (isWanted: boolean) => {
    const answered = answer
    answer = null
    if (dialog.open) dialog.close()
    answered?.(isWanted)
  }
  action.addEventListener('click', () => finish(true))
  byId('confirm-cancel', HTMLButtonElement).addEventListener('click', () => finish(false))
  dialog.addEventListener('close', () => finish(false))

  return {
    ask(question) {
      finish(false)
      setText(byId('confirm-title', HTMLElement), question.title)
      setText(byId('confirm-text', HTMLElement), question.text)
      setText(action, question.action)
      action.classList.toggle('button-danger', question.isDestructive === true)
      action.classList.toggle('button-primary', question.isDestructive !== true)
      preview.hidden = question.preview === undefined
      setText(byId('confirm-preview-label', HTMLElement), question.preview?.label ?? '')
      setText(byId('confirm-preview-text', HTMLElement), cut(question.preview?.text ?? ''))
      dialog.showModal()
      return new Promise((resolve) => {
        answer = resolve
      })
    },
    dismiss: () => finish(false),
  }
}

function cut(text: string): string {
  return text.length > longestPreview ? `${text.slice(0, longestPreview)}…` : text
}
