const prefix = '#document='

/** The document that the address shows; `null` for the list alone. */
export function shownDocument() {
  if (!location.hash.startsWith(prefix)) return null
  try {
    return decodeURIComponent(location.hash.slice(prefix.length))
  } catch {
    return null
  }
}

export function addressOf(name) {
  return prefix + encodeURIComponent(name)
}

/** Where the document itself is. */
export function pageOf(name) {
  return `/d/${name.split('/').map(encodeURIComponent).join('/')}`
}
