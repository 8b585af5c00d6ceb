const safeProtocols: ReadonlySet<string> = new Set(['http:', 'https:', 'mailto:'])

/** Whether an address that stands in a document may become a link. Relative ones may not: whose page would they mean? */
export function isSafeHref(href: unknown): href is string {
  if (typeof href !== 'string' || href.length > 2048) return false
  try {
    return safeProtocols.has(new URL(href).protocol)
  } catch {
    return false
  }
}

/**
 * Whether it may become a link, as it stands or once it is completed to `https://…`. `javascript:1/alert()` completes to a
 * host with a port, too, but runs as it stands: so what is before a colon has to have a dot, which no protocol that runs
 * anything has.
 */
export function mayBecomeLink(text: string): boolean {
  if (isSafeHref(text)) return true
  const [, beforeColon] = /^([^/?#:]*):/.exec(text) ?? []
  return (beforeColon === undefined || beforeColon.includes('.')) && isSafeHref(`https://${text}`)
}

/**
 * What a person types as an address, completed: `example.org` → `https://example.org/`, `ann@example.org` → `mailto:…`.
 * @returns `null` when it is no address, or one of another protocol than http, https and mailto
 */
export function hrefFrom(typed: string): string | null {
  const text = typed.trim()
  if (text === '' || /\s/.test(text)) return null
  if (/^(https?:\/\/|mailto:)/i.test(text)) return URL.canParse(text) ? new URL(text).href : null
  if (/^[^@/:]+@[^@/:]+\.[^@/:]+$/.test(text)) return `mailto:${text}`
  // `host:8080/path` begins like a protocol; a real one (`javascript:`) has no number behind its colon
  if (/^[a-z][a-z0-9+.-]*:(?!\d)/i.test(text)) return null
  const completed = `https://${text.replace(/^\/+/, '')}`
  return URL.canParse(completed) && new URL(completed).hostname !== '' ? new URL(completed).href : null
}
