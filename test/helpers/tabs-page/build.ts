import { fileURLToPath } from 'node:url'
import { type Plugin, build as viteBuild } from 'vite'

export interface BuildOptions {
  /** As an app would ship it. Tests leave it readable. */
  readonly minify?: boolean
  readonly plugins?: Plugin[]
}

const root = fileURLToPath(new URL('./', import.meta.url))

const built = new Map<string, Promise<Files>>()

/** Bundles one page's script, in memory; the same again is not built again. @param entry a file of this folder */
export function bundle(entry: string, options: BuildOptions = {}): Promise<Files> {
  if (options.plugins) return build(entry, options)
  const key = `${entry} ${options.minify ?? false}`
  const files = built.get(key) ?? build(entry, options)
  built.set(key, files)
  return files
}

async function build(entry: string, { minify = false, plugins = [] }: BuildOptions): Promise<Files> {
  const result = await viteBuild({
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
