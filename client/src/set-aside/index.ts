/**
 * What an app needs to let a person decide about a copy that was set aside (SPEC R9.5): compare it with the document,
 * copy from it, merge it on purpose. The copies themselves come from `client.setAsideCopies()` and
 * `client.readSetAside(id)`, and go with `client.dropSetAside(id)`.
 *
 * ```ts
 * const [{ id }] = await client.setAsideCopies()
 * const copy = await client.readSetAside(id)
 * for (const { name, same, difference } of compareDocs(copy, document.doc)) …
 * ```
 */
export type { SetAsideCopy } from '../store/local-store.ts'
export { type Comparison, compareDocs } from './compare.ts'
export { differenceOf, type Run } from './diff.ts'
export { copyText, mergeCopy, mergedText, sharesHistory } from './merge.ts'
export type { RootKind } from './roots.ts'
