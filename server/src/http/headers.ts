import type { MiddlewareHandler } from 'hono'

/** What no answer allows, whatever it is. */
export const alwaysClosed = {
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
}

/** Of an answer that is no page (S5). */
export const bareHeaders = {
  'Content-Type': 'application/json',
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  ...alwaysClosed,
}

/**
 * What a page may do (S5). No inline script or style anywhere, nothing from elsewhere, and sockets to this server only: Safari
 * does not count its own `ws:` as `'self'`.
 * @param host the `Host` header; a stranger's is refused further in
 */
export function contentPolicy(host = ''): string {
  // only what can stand in a policy
  const own = /^[\w.:[\]-]{1,300}$/.test(host) ? host : 'localhost'
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `connect-src 'self' ws://${own} wss://${own}`,
    "img-src 'self' data:",
    "font-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "form-action 'none'",
  ].join('; ')
}

/** For pages that put text into the document only as text: the browser then refuses any other way. */
export const noMarkupFromText = "; require-trusted-types-for 'script'; trusted-types 'none'"

/** Puts the headers on every answer (S5), refusals and failures included. */
export function sendSecurityHeaders(): MiddlewareHandler {
  const closed = Object.entries(alwaysClosed)
  return async (context, next) => {
    context.header('Content-Security-Policy', contentPolicy(context.req.header('host')))
    for (const [name, value] of closed) context.header(name, value)
    await next()
  }
}
