/**
 * Asks before the tab is closed, exactly while some document has an edit that is stored nowhere (R2.4). The listener
 * is there only as long as it is needed: merely having one keeps some browsers from caching the page.
 */
export class CloseGuard {
  readonly #unsafe = new Set<object>()

  set(document: object, isUnsafe: boolean): void {
    const before = this.#unsafe.size
    if (isUnsafe) this.#unsafe.add(document)
    else this.#unsafe.delete(document)
    if (typeof globalThis.addEventListener !== 'function') return
    if (before === 0 && this.#unsafe.size > 0) globalThis.addEventListener('beforeunload', this.#ask)
    if (before > 0 && this.#unsafe.size === 0) globalThis.removeEventListener('beforeunload', this.#ask)
  }

  // its own: one function that several guards share is one listener, and the first that is safe would take it away
  readonly #ask = (event: Event): void => {
    event.preventDefault()
    // what older browsers look at instead
    ;(event as BeforeUnloadEvent).returnValue = true
  }
}
