import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'vite'

export interface Size {
  /** Of what has to arrive before the app can open a document: bytes, minified and compressed with gzip. */
  readonly entry: number
  /** Of what is loaded when it is needed. */
  readonly lazy: number
}

/** Bundles what an app imports as the app would, without yjs. @param name a file of the folder `size` */
export async function sizeOf(name: string): Promise<Size> {
  const input = fileURLToPath(new URL(`./size/${name}.ts`, import.meta.url))
  const result = await build({
    configFile: false,
    logLevel: 'error',
    build: {
      write: false,
      minify: true,
      // not Vite's library mode, which leaves the spaces to whoever bundles the library
      rolldownOptions: { input, external: ['yjs'], preserveEntrySignatures: 'strict' },
    },
  })
  const size = { entry: 0, lazy: 0 }
  for (const { output } of Array.isArray(result) ? result : 'output' in result ? [result] : []) {
    const chunks = new Map(output.flatMap((file) => (file.type === 'chunk' ? [[file.fileName, file] as const] : [])))
    const first = [...chunks.values()].filter(({ isEntry }) => isEntry).map(({ fileName }) => fileName)
    const needed = new Set(first)
    // a Set that grows while it is walked is walked to its end
    for (const name of needed) for (const imported of chunks.get(name)?.imports ?? []) needed.add(imported)
    for (const [name, { code }] of chunks) size[needed.has(name) ? 'entry' : 'lazy'] += gzipSync(code).length
  }
  return size
}
