import { readFile, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Context } from 'hono'

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.map': 'application/json',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
}

const compressible = new Set(['.html', '.js', '.css', '.svg', '.json', '.webmanifest', '.map', '.txt'])
const smallestCompressed = 1024
const compress = promisify(gzip)

interface StoredFile {
  readonly etag: string
  readonly plain: Uint8Array<ArrayBuffer>
  readonly gzipped: Uint8Array<ArrayBuffer> | null
}

/** The files of one folder, as an HTTP answer. */
export interface StaticFiles {
  /** @param path inside the folder, with slashes. @returns `null` when there is no such file */
  answer(context: Context, path: string): Promise<Response | null>
}

export function createStaticFiles(folder: string): StaticFiles {
  // Read anew when a file changes, so that a rebuilt page is served without a restart.
  const stored = new Map<string, StoredFile>()

  async function read(path: string): Promise<StoredFile | null> {
    const file = join(folder, path)
    const facts = await stat(file).catch(() => null)
    if (!facts?.isFile()) return null
    const etag = `W/"${facts.size.toString(36)}-${Math.floor(facts.mtimeMs).toString(36)}"`
    const known = stored.get(path)
    if (known?.etag === etag) return known
    const plain = new Uint8Array(await readFile(file))
    const isCompressed = compressible.has(extname(path)) && plain.length >= smallestCompressed
    const entry = { etag, plain, gzipped: isCompressed ? new Uint8Array(await compress(plain)) : null }
    stored.set(path, entry)
    return entry
  }

  return {
    async answer(context, path) {
      if (!isPlainPath(path)) return null
      const file = await read(path)
      if (file === null) return null
      context.header('ETag', file.etag)
      context.header('Vary', 'Accept-Encoding')
      context.header('Cache-Control', cachingOf(path))
      if (context.req.header('if-none-match') === file.etag) return context.body(null, 304)
      context.header('Content-Type', contentTypes[extname(path)] ?? 'application/octet-stream')
      const acceptsGzip = /\bgzip\b/.test(context.req.header('accept-encoding') ?? '')
      if (file.gzipped === null || !acceptsGzip) return context.body(file.plain)
      context.header('Content-Encoding', 'gzip')
      return context.body(file.gzipped)
    },
  }
}

/** Segments of a build's file names only: nothing that leads out of the folder, nothing hidden. */
function isPlainPath(path: string): boolean {
  return path.length <= 200 && path.split('/').every((segment) => /^[\w-][\w.-]*$/.test(segment))
}

/** A name with a hash never changes its content; any other is asked for each time, and mostly answered by 304. */
function cachingOf(path: string): string {
  return /^assets\/.+-[\w-]{8}\.\w+$/.test(path) ? 'public, max-age=31536000, immutable' : 'no-cache'
}
