import type { ChainedCommands, Editor } from '@tiptap/core'
import type { IconName } from './icons.ts'

/** One button of the toolbar. `isOn` is missing where a button does something instead of switching it on and off. */
export type ToolbarItem = {
  readonly id: string
  readonly label: string
  readonly icon: IconName
  /** As `aria-keyshortcuts` wants it; `Mod` is Ctrl, or ⌘ on Apple's machines. */
  readonly keys?: string
  readonly isOn?: (editor: Editor) => boolean
  readonly can: (editor: Editor) => boolean
  readonly run: (editor: Editor) => void
}

type Step = (chain: ChainedCommands) => ChainedCommands

/** The toolbar, in groups. */
export function toolbarItems(onLinkWanted: (editor: Editor) => void): readonly (readonly ToolbarItem[])[] {
  return [
    [
      command('undo', 'Undo', 'Mod+Z', (chain) => chain.undo()),
      command('redo', 'Redo', 'Mod+Shift+Z', (chain) => chain.redo()),
    ],
    [heading(1, 'Heading'), heading(2, 'Subheading'), heading(3, 'Small heading')],
    [
      { ...command('bold', 'Bold', 'Mod+B', (chain) => chain.toggleBold()), isOn: (editor) => editor.isActive('bold') },
      {
        ...command('italic', 'Italic', 'Mod+I', (chain) => chain.toggleItalic()),
        isOn: (editor) => editor.isActive('italic'),
      },
      {
        id: 'link',
        label: 'Link',
        icon: 'link',
        keys: 'Mod+K',
        isOn: (editor) => editor.isActive('link'),
        can: (editor) => editor.isEditable,
        run: onLinkWanted,
      },
    ],
    [
      {
        ...command('bulleted-list', 'Bulleted list', 'Mod+Shift+8', (chain) => chain.toggleBulletList()),
        isOn: (editor) => editor.isActive('bulletList'),
      },
      {
        ...command('numbered-list', 'Numbered list', 'Mod+Shift+7', (chain) => chain.toggleOrderedList()),
        isOn: (editor) => editor.isActive('orderedList'),
      },
      {
        ...command('quote', 'Quotation', 'Mod+Shift+B', (chain) => chain.toggleBlockquote()),
        isOn: (editor) => editor.isActive('blockquote'),
      },
    ],
  ]
}

function heading(level: 1 | 2 | 3, label: string): ToolbarItem {
  return {
    ...command(`heading-${level}`, label, `Mod+Alt+${level}`, (chain) => chain.toggleHeading({ level })),
    isOn: (editor) => editor.isActive('heading', { level }),
  }
}

function command(id: IconName, label: string, keys: string, step: Step): ToolbarItem {
  return {
    id,
    label,
    icon: id,
    keys,
    can: (editor) => editor.isEditable && step(editor.can().chain()).run(),
    run: (editor) => step(editor.chain().focus()).run(),
  }
}
