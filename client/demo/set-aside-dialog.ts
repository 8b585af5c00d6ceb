import {
  compareDocs,
  copyText,
  mergeCopy,
  mergedText,
  type SetAsideCopy,
  sharesHistory,
} from '@tidemark/client/set-aside'
import type { Doc } from 'yjs'
import type { Client, OpenDocument } from './client-types.ts'
import { copyToClipboard } from './clipboard.ts'
import type { Confirm } from './confirm.ts'
import { differenceTable } from './difference-table.ts'
import { byId, element, setText } from './dom.ts'
import { fragmentName } from './editor.ts'
import { badgeOf, comparisonWords, copyWords, deleteQuestion, mergeQuestion } from './set-aside-words.ts'
import type { Toasts } from './toast.ts'

export type SetAsideNeeds = {
  readonly client: Client
  readonly tidemark: OpenDocument
  readonly toasts: Toasts
  readonly confirm: Confirm
}

export type SetAsideDialog = {
  open(): void
  /** The copies there are now; the dialog closes when none is left. */
  update(copies: readonly SetAsideCopy[]): void
  remove(copy: SetAsideCopy): Promise<void>
  close(): void
}

/** The document may change while it is compared; it is compared again after so many ms. */
const comparePause = 1000

/** Where a person looks at what was set aside, and decides. */
export function createSetAsideDialog(needs: SetAsideNeeds, onGone: () => void): SetAsideDialog {
  const { client, tidemark, toasts, confirm } = needs
  const dialog = byId('set-aside-dialog', HTMLDialogElement)
  const difference = byId('set-aside-difference', HTMLElement)
  const merge = byId('set-aside-merge', HTMLButtonElement)
  const copyButton = byId('set-aside-copy', HTMLButtonElement)
  const removeButton = byId('set-aside-remove', HTMLButtonElement)
  const ending = new AbortController()
  const { signal } = ending
  let copies: readonly SetAsideCopy[] = []
  let selected: SetAsideCopy | null = null
  let content: Doc | null = null
  let timer: ReturnType<typeof setTimeout> | undefined

  const say = (words: string) => setText(byId('set-aside-summary', HTMLElement), words)

  const compare = () => {
    if (!content || !dialog.open) return
    const comparisons = compareDocs(content, tidemark.doc)
    say(comparisonWords(comparisons))
    const shown = comparisons.filter(({ same, name }) => !same || name === fragmentName)
    const title = (name: string) => (shown.length < 2 ? null : name === fragmentName ? 'Text' : name)
    difference.replaceChildren(...shown.map((comparison) => differenceTable(comparison, title(comparison.name))))
    const isReader = tidemark.level === 'read'
    merge.disabled = isReader
    byId('set-aside-reader', HTMLElement).hidden = !isReader
  }

  const drawList = () => {
    const list = byId('set-aside-list', HTMLUListElement)
    const hadFocus = list.contains(document.activeElement)
    list.replaceChildren(
      ...copies.map((copy) => {
        const { when, why } = copyWords(copy, (at) => moment.format(at))
        const isSelected = copy.id === selected?.id
        const button = element(
          'button',
          { class: 'copy-choice', type: 'button', 'data-testid': 'set-aside-item', 'aria-pressed': String(isSelected) },
          element('span', { class: 'copy-when' }, when),
          element('span', { class: 'copy-why' }, why),
        )
        button.addEventListener('click', () => void select(copy))
        return element('li', {}, button)
      }),
    )
    if (hadFocus) focusSelected()
  }
  const focusSelected = () => dialog.querySelector<HTMLElement>('[aria-pressed="true"]')?.focus()

  const select = async (copy: SetAsideCopy) => {
    selected = copy
    forget()
    drawList()
    for (const button of [merge, copyButton, removeButton]) button.disabled = true
    say('Reading the copy…')
    try {
      const read = await client.readSetAside(copy.id)
      if (selected !== copy || signal.aborted) return read.destroy()
      content = read
      for (const button of [merge, copyButton]) button.disabled = false
      compare()
    } catch (error) {
      if (selected !== copy) return
      say(`This copy cannot be read. ${error instanceof Error ? error.message : ''}`)
      onGone()
    }
    removeButton.disabled = false
  }
  const forget = () => {
    content?.destroy()
    content = null
    difference.replaceChildren()
    say('')
  }

  const remove = async (copy: SetAsideCopy) => {
    if (!(await confirm.ask(deleteQuestion(copy)))) return
    await client.dropSetAside(copy.id).catch((error: unknown) => {
      const text = error instanceof Error ? error.message : 'Try again.'
      toasts.show({ key: 'set-aside', title: 'The copy was not deleted', text, tone: 'problem', actions: [] })
    })
    onGone()
  }

  const mergeSelected = async () => {
    const [copy, read] = [selected, content]
    if (!copy || !read) return
    const question = mergeQuestion(sharesHistory(read, tidemark.doc), mergedText(read, tidemark.doc))
    if (!(await confirm.ask(question)) || read !== content) return
    mergeCopy(read, tidemark.doc)
    dialog.close()
    toasts.show({
      key: 'set-aside',
      title: 'Merged into this document',
      text: 'The copy itself is still set aside, in case something is missing. Delete it when all is well.',
      tone: 'news',
      actions: [{ label: 'Delete the copy…', testId: 'toast-remove-copy', run: () => void remove(copy) }],
    })
  }

  const onDocUpdate = () => {
    if (!dialog.open) return
    timer ??= setTimeout(() => {
      timer = undefined
      compare()
    }, comparePause)
  }

  tidemark.doc.on('update', onDocUpdate)
  copyButton.addEventListener('click', () => void (content && copyToClipboard(copyText(content), dialog).then(say)), {
    signal,
  })
  merge.addEventListener('click', () => void mergeSelected(), { signal })
  removeButton.addEventListener('click', () => void (selected && remove(selected)), { signal })
  byId('set-aside-close', HTMLButtonElement).addEventListener('click', () => dialog.close(), { signal })
  dialog.addEventListener('close', forget, { signal })

  return {
    open() {
      const [first] = copies
      if (!first || dialog.open) return
      dialog.showModal()
      void select(first)
      focusSelected()
    },
    update(now) {
      copies = now
      setText(byId('set-aside-title', HTMLElement), badgeOf(copies.length))
      if (!dialog.open) return
      const [first] = copies
      if (!first) dialog.close()
      else if (copies.some(({ id }) => id === selected?.id)) drawList()
      else void select(first)
    },
    remove,
    close() {
      ending.abort()
      clearTimeout(timer)
      tidemark.doc.off('update', onDocUpdate)
      if (dialog.open) dialog.close()
      forget()
    },
  }
}

const moment = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })
