const hidden: readonly (readonly [RegExp, string])[] = [
  // a JWT, wherever it stands
  [/\beyJ[\w-]{5,}\.[\w-]*(\.[\w-]*)?/g, '[token]'],
  [/\b(bearer|basic)\s+[\w.~+/=-]+/gi, '$1 [token]'],
  // y-websocket puts its token into the URL (R10.2): query strings are never logged
  [/\?[^\s"'\\?=&]{1,200}=[^\s"'\\]*/g, '?[query]'],
  // the password of a database or Redis URL
  [/\b([a-z][a-z\d+.-]*:\/\/[^\s:/@"']*):[^\s/"']*@/gi, '$1:[password]@'],
]

/**
 * Takes tokens, passwords and query strings out of a line. The last guard, for text that we do not write ourselves: the
 * messages and stacks of libraries.
 */
export function scrub(line: string): string {
  return hidden.reduce((text, [pattern, replacement]) => text.replace(pattern, replacement), line)
}
