import { HocuspocusProvider, type HocuspocusProviderWebsocket } from '@hocuspocus/provider'
import { TidemarkError } from '@tidemark/shared'
import * as Y from 'yjs'

const advice =
  'More than one copy of yjs is loaded, and documents of one are not understood by the other. ' +
  'Make the bundler resolve "yjs" to one place (see https://github.com/yjs/yjs/issues/438).'

/** @throws {TidemarkError} `configuration-invalid` when the app's `Y.Doc` comes from another copy of yjs */
export function assertOwnDoc(doc: unknown): asserts doc is Y.Doc {
  if (!(doc instanceof Y.Doc)) throw new TidemarkError('configuration-invalid', advice)
}

/** @returns an error when the Hocuspocus provider was bundled with another copy of yjs than this package */
export function findSecondYjs(): TidemarkError | null {
  const nowhere = { on() {}, off() {}, attach() {}, detach() {}, send() {} }
  const provider = new HocuspocusProvider({
    name: 'yjs',
    awareness: null,
    websocketProvider: nowhere as unknown as HocuspocusProviderWebsocket,
  })
  const isOneCopy = provider.document instanceof Y.Doc
  provider.destroy()
  provider.document.destroy()
  return isOneCopy ? null : new TidemarkError('configuration-invalid', advice)
}
