import * as Y from 'yjs'

/**
 * What a set of updates holds, down to the single unit: what was inserted and what was deleted. An edit is held when
 * every unit of it is, whatever it was merged with.
 */
export class Coverage {
  readonly units = new Set<string>()

  add(update: Uint8Array): this {
    for (const unit of unitsOf(update)) this.units.add(unit)
    return this
  }

  holds(units: readonly string[]): boolean {
    return units.every((unit) => this.units.has(unit))
  }
}

const known = new WeakMap<Uint8Array, readonly string[]>()

export function unitsOf(update: Uint8Array): readonly string[] {
  let units = known.get(update)
  if (!units) known.set(update, (units = read(update)))
  return units
}

function read(update: Uint8Array): string[] {
  const { structs, ds } = Y.decodeUpdate(update)
  const units: string[] = []
  for (const struct of structs) {
    if (struct instanceof Y.Skip) continue
    const { id, length } = struct
    for (let clock = id.clock; clock < id.clock + length; clock++) units.push(`${id.client}:${clock}`)
  }
  for (const [client, ranges] of ds.clients) {
    for (const { clock, len } of ranges) {
      for (let deleted = clock; deleted < clock + len; deleted++) units.push(`-${client}:${deleted}`)
    }
  }
  return units
}
