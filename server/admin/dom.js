/** The element of an id that index.html has. */
export function byId(id) {
  const found = document.getElementById(id)
  if (!found) throw new Error(`index.html has no #${id}`)
  return found
}

/**
 * Makes an element. Children are elements or text; text stays text, whatever it looks like.
 * @param {Record<string, string | (() => void)>} attributes `on…` adds a listener
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made.addEventListener(name.slice(2), value)
    else made.setAttribute(name, value)
  }
  made.append(...children)
  return made
}

/** Text that people wrote: its own direction must not turn the text around it. */
export function foreign(text) {
  return element('bdi', {}, text)
}

/** One pair of a description list. */
export function fact(term, ...description) {
  return element('div', {}, element('dt', {}, term), element('dd', {}, ...description))
}
