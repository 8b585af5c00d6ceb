/** What a store keeps. */
export type Json = null | boolean | number | string | Json[] | { [property: string]: Json }

/** Deeper values would also overflow the stack of whoever reads the document. */
const deepest = 100

/**
 * A copy that shares nothing with the value. Properties that are `undefined` are left out: reading them gives the same.
 * @throws {TypeError} what is not JSON, and where
 */
export function copyJson(value: unknown): Json {
  return copy(value, '', [])
}

/** The same for what others wrote. @returns undefined for what is not JSON */
export function readJson(value: unknown): Json | undefined {
  try {
    return copyJson(value)
  } catch {
    return undefined
  }
}

/** What a document holds is not meant to be changed in place: looking once is enough. */
const looked = new WeakSet<object>()

/** Is it JSON, whoever wrote it? */
export function isJson(value: unknown): value is Json {
  if (typeof value !== 'object' || value === null) return readJson(value) !== undefined
  if (looked.has(value)) return true
  const isFine = readJson(value) !== undefined
  if (isFine) looked.add(value)
  return isFine
}

export function isEqual(one: Json | undefined, other: Json | undefined): boolean {
  if (one === other) return true
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false
  if (Array.isArray(one) !== Array.isArray(other)) return false
  const names = Object.keys(one)
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => Object.hasOwn(other, name) && isEqual(one[name as never], other[name as never]))
  )
}

/** Whoever reaches it by the `Y.Map` cannot change it behind the store's back. */
export function freeze(value: Json): Json {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) freeze(inner)
    Object.freeze(value)
  }
  return value
}

function copy(value: unknown, where: string, within: readonly object[]): Json {
  switch (typeof value) {
    case 'boolean':
      return value
    case 'string':
      // half a character would be another one on other replicas
      return value.toWellFormed()
    case 'number':
      if (Number.isFinite(value)) return value
      throw problem(String(value), where)
    case 'object':
      return value === null ? null : copyObject(value, where, within)
    case 'function':
      throw problem('a function', where)
    default:
      throw problem(value === undefined ? 'undefined' : `a ${typeof value}`, where)
  }
}

function copyObject(value: object, where: string, within: readonly object[]): Json {
  if (within.includes(value)) throw problem('a circle', where)
  if (within.length >= deepest) throw problem(`deeper than ${deepest} levels`, where)
  const inside = [...within, value]
  // not `map`: it would pass over the gaps of a sparse array
  if (Array.isArray(value)) return Array.from(value, (item, index) => copy(item, `${where}[${index}]`, inside))
  const prototype: unknown = Object.getPrototypeOf(value)
  // the objects of another frame have an `Object.prototype` of their own
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    throw problem(`an object of class ${value.constructor?.name ?? 'unknown'}`, where)
  }
  const copied: { [property: string]: Json } = {}
  for (const [name, item] of Object.entries(value)) {
    // decoders that assign it would set the prototype instead
    if (name === '__proto__') throw problem('a property named __proto__', where)
    if (item !== undefined) copied[name.toWellFormed()] = copy(item, `${where}.${name}`, inside)
  }
  return copied
}

function problem(what: string, where: string): TypeError {
  return new TypeError(`not JSON: ${what}${where && ` at ${where.replace(/^\./, '')}`}`)
}
