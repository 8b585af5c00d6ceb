/**
 * Reads when a token runs out, without checking its signature: that is the server's part.
 * @returns Unix time in ms; null when the token is not a JWT or never runs out
 */
export function expiryOf(token: string): number | null {
  const { exp } = claimsOf(token)
  return typeof exp === 'number' && Number.isFinite(exp) ? exp * 1000 : null
}

/** @returns on whose behalf the token speaks; null when it does not say so in a way that is known here */
export function subjectOf(token: string): string | null {
  const { sub } = claimsOf(token)
  return typeof sub === 'string' ? sub : null
}

function claimsOf(token: string): { readonly exp?: unknown; readonly sub?: unknown } {
  const payload = token.split('.', 3)[1]
  if (!payload) return {}
  try {
    const claims: unknown = JSON.parse(decodeBase64Url(payload))
    return typeof claims === 'object' && claims !== null ? claims : {}
  } catch {
    return {}
  }
}

function decodeBase64Url(text: string): string {
  const bytes = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0))
  return new TextDecoder().decode(bytes)
}
