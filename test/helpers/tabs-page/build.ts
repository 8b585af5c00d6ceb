import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'vite'

export interface BuildOptions {
  /** As an app would ship it. Tests leave it readable. */
  readonly minify?: boolean
  readonly plugins?: Plugin[]
}

const root = fileURLToPath(new URL('./', import.meta.url))

/** Bundles one page's script into one file, in memory. @param entry a file of this folder */
export async function bundle(entry: string, { minify = false, plugins = [] }: BuildOptions = {}): Promise<Files> {
  const result = await build({
    root,
    configFile: false,
    logLevel: 'error',
    plugins,
    build: {
      write: false,
      minify,
      target: 'esnext',
      modulePreload: false,
      rolldownOptions: {
        input: `${root}${entry}`,
        output: { entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' },
      },
    },
  })
  const files = new Map<string, string>()
  for (const { output } of Array.isArray(result) ? result : 'output' in result ? [result] : []) {
    for (const file of output) if (file.type === 'chunk') files.set(file.fileName, file.code)
  }
  return files
}

/** By file name. */
export type Files = ReadonlyMap<string, string>
