import * as Y from 'yjs'

/**
 * What a document shows of some clients, without the values: how much there is of each, what of it is deleted, and the order
 * of the lists. Of others somebody may have written two things under one clock, and then nobody sees the same.
 */
function stateOf({ store, share }: Y.Doc, clients: ReadonlySet<number>): string[] {
  const lines: string[] = []
  const deletions = Y.createDeleteSetFromStructStore(store).clients
  for (const client of clients) {
    const ranges = (deletions.get(client) ?? []).map(({ clock, len }) => `${clock}+${len}`)
    lines.push(`client ${client} up to ${Y.getState(store, client)} without ${ranges}`)
  }
  for (const [root, type] of [...share].sort()) {
    const order = orderOf(type, clients)
    if (order !== '') lines.push(`${root}: ${order}`)
  }
  return lines
}

/** What two documents do not have in common; empty when they show the same. */
export function differences(one: Y.Doc, other: Y.Doc, clients: ReadonlySet<number>): string[] {
  const [ones, others] = [stateOf(one, clients), stateOf(other, clients)]
  const [known, knownToOther] = [new Set(ones), new Set(others)]
  return [
    ...ones.filter((line) => !knownToOther.has(line)).map((line) => `here ${line}`),
    ...others.filter((line) => !known.has(line)).map((line) => `there ${line}`),
  ].map((line) => line.slice(0, 300))
}

/** The ids of a list's items, neighbours of one client together: where Yjs merges them is its own affair. */
function orderOf({ _start }: { readonly _start: Y.Item | null }, clients: ReadonlySet<number>): string {
  const runs: { client: number; from: number; end: number }[] = []
  for (let item = _start; item; item = item.right) {
    const { client, clock } = item.id
    if (item.deleted || !clients.has(client)) continue
    const last = runs.at(-1)
    if (last?.client === client && last.end === clock) last.end += item.length
    else runs.push({ client, from: clock, end: clock + item.length })
  }
  return runs.map(({ client, from, end }) => `${client}:${from}-${end}`).join(' ')
}
