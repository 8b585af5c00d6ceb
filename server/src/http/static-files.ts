import { extname } from 'node:path'
import type { Context } from 'hono'
import type { Folder } from './folder.ts'

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

/** The files of one folder, as an HTTP answer. */
export interface StaticFiles {
  /** @param path inside the folder, with slashes. @returns `null` when there is no such file */
  answer(context: Context, path: string): Response | null
}

export function createStaticFiles(folder: Folder): StaticFiles {
  return {
    answer(context, path) {
      const file = isPlainPath(path) ? folder.file(path) : null
      if (file === null) return null
      context.header('ETag', file.etag)
      context.header('Vary', 'Accept-Encoding')
      context.header('Cache-Control', cachingOf(path))
      if (knows(context.req.header('if-none-match'), file.etag)) return context.body(null, 304)
      context.header('Content-Type', contentTypes[extname(path)] ?? 'application/octet-stream')
      const gzipped = takesGzip(context.req.header('accept-encoding')) ? file.gzipped : null
      if (gzipped === null) return context.body(file.plain)
      context.header('Content-Encoding', 'gzip')
      return context.body(gzipped)
    },
  }
}

/** @param header `If-None-Match`: one tag, several, or `*` for any */
function knows(header: string | undefined, etag: string): boolean {
  return header !== undefined && (header.trim() === '*' || header.includes(etag.slice('W/'.length)))
}

/** @param header `Accept-Encoding`; who writes `gzip;q=0` does not want it */
function takesGzip(header = ''): boolean {
  return /(?:^|[, ])gzip(?! *; *q=0(?:\.0*)?(?:[, ]|$))(?:[,; ]|$)/i.test(header)
}

/** Segments of a build's file names only: nothing that leads out of the folder, nothing hidden. */
function isPlainPath(path: string): boolean {
  return path.length <= 200 && path.split('/').every((segment) => /^[\w-][\w.-]*$/.test(segment))
}

/** A name with a hash never changes its content; any other is asked for each time, and mostly answered by 304. */
function cachingOf(path: string): string {
  return /^assets\/.+-[\w-]{8}\.\w+$/.test(path) ? 'public, max-age=31536000, immutable' : 'no-cache'
}
