/**
 * The few ways in which this page makes and changes elements. Text only ever goes in as text nodes:
 * names and documents come from other people, and nothing of theirs is read as HTML (S5).
 */

type Attributes = { readonly [name: string]: string | boolean }

export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, '')
    else if (value !== false) made.setAttribute(name, value)
  }
  made.append(...children)
  return made
}

/** Finds an element of index.html; a missing one is a mistake in this package, so it throws. */
export function byId<Kind extends HTMLElement>(id: string, kind: new () => Kind): Kind {
  const found = document.getElementById(id)
  if (found instanceof kind) return found
  throw new Error(`index.html has no ${kind.name} with the id "${id}"`)
}

/** Writes only what differs, so that a status that comes with every key press costs no layout. */
export function setText(target: HTMLElement, text: string): void {
  if (target.textContent !== text) target.textContent = text
}

/** Listens until the returned function, or the signal, ends it. */
export function listen<Type extends keyof HTMLElementEventMap>(
  target: HTMLElement,
  type: Type,
  listener: (event: HTMLElementEventMap[Type]) => void,
  signal?: AbortSignal,
): void {
  target.addEventListener(type, listener, signal ? { signal } : {})
}
