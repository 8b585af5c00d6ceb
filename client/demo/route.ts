import { isDocumentName } from '@tidemark/shared'

export const welcomeName = 'welcome'

export type Route =
  | { readonly kind: 'document'; readonly name: string }
  /** `attempted` is what the address says, as far as it can be read. */
  | { readonly kind: 'invalid'; readonly attempted: string }

const prefix = '/d/'

/** `/` is the document "welcome"; `/d/` is followed by any document's name, each segment percent-encoded. */
export function routeOf(pathname: string): Route {
  if (pathname === '/') return { kind: 'document', name: welcomeName }
  if (!pathname.startsWith(prefix)) return { kind: 'invalid', attempted: pathname }
  const encoded = pathname.slice(prefix.length)
  const segments = encoded.split('/').map(decodeSegment)
  // a slash that was encoded would name one document in this page and another to a proxy on the way
  if (segments.some((segment) => segment === null || segment.includes('/'))) {
    return { kind: 'invalid', attempted: encoded }
  }
  const name = segments.join('/')
  return isDocumentName(name) ? { kind: 'document', name } : { kind: 'invalid', attempted: name }
}

/** The address of a document: what {@link routeOf} reads back as the same name. */
export function pathOf(name: string): string {
  return name === welcomeName ? '/' : prefix + name.split('/').map(encodeURIComponent).join('/')
}

function decodeSegment(segment: string): string | null {
  try {
    return decodeURIComponent(segment)
  } catch {
    return null
  }
}
