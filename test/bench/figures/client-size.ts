import { sizeOf } from '../browser/client-size.ts'
import type { SystemName } from '../systems/system.ts'
import { type Figure, Rows } from './figure.ts'

const names: { readonly [Name in SystemName]?: string } = { tidemark: 'tidemark', hocuspocus: 'stock' }

/** What a browser has to fetch. */
export const clientSizeFigure: Figure = {
  name: 'client-size',
  async run({ systems }) {
    const rows = new Rows()
    rows.define('client, minified + gzip', 'B', { kind: 'ratio', limit: 1.5 })
    rows.define('loaded later, when needed', 'B')
    for (const { name } of systems) {
      const client = names[name]
      if (client === undefined) continue
      const { entry, lazy } = await sizeOf(client)
      rows.add('client, minified + gzip', name, entry)
      rows.add('loaded later, when needed', name, lazy)
    }
    return {
      title: 'Size of the client',
      ran:
        'One bundle by Vite, minified, each chunk compressed with gzip, yjs not counted in either: createClient and ' +
        'indicatorOf of @tidemark/client; IndexeddbPersistence of y-indexeddb and HocuspocusProvider.',
      rows: rows.all(),
      notes: [],
    }
  },
}
