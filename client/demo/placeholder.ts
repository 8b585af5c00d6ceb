import { Extension } from '@tiptap/core'
import { Plugin } from '@tiptap/pm/state'
import { Decoration, DecorationSet } from '@tiptap/pm/view'

/** Marks the first paragraph of an empty document; the style sheet writes the words into it. */
export const Placeholder = Extension.create<{ text: string }>({
  name: 'emptyDocument',
  addOptions: () => ({ text: '' }),
  addProseMirrorPlugins() {
    const { text } = this.options
    return [
      new Plugin({
        props: {
          decorations({ doc }) {
            const only = doc.firstChild
            const empty = doc.childCount === 1 && only?.type.name === 'paragraph' && only.content.size === 0
            if (!empty) return null
            return DecorationSet.create(doc, [
              Decoration.node(0, only.nodeSize, { class: 'placeholder', 'data-placeholder': text }),
            ])
          },
        },
      }),
    ]
  },
})
