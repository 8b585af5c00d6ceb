import { Hono, type MiddlewareHandler } from 'hono'
import { apiRoutes } from './api.ts'
import { notFound, onError } from './failures.ts'
import { checkSource } from './guards.ts'
import { sendSecurityHeaders } from './headers.ts'
import { healthRoutes } from './health.ts'
import { refuseBodies } from './limits.ts'
import { packagedFolders, pageRoutes } from './pages.ts'
import type { AppParts } from './parts.ts'

/** The HTTP side of a server: health, metrics, API, pages. Sockets are upgraded beside it. */
export function createApp(parts: AppParts): Hono {
  const app = new Hono()
  app.use(measure(parts), sendSecurityHeaders(), checkSource(parts), refuseBodies())
  app.route('/', healthRoutes(parts))
  app.route('/api', apiRoutes(parts))
  app.all('/api/*', notFound)
  app.route('/', pageRoutes(parts.folders ?? packagedFolders))
  app.notFound(notFound)
  app.onError(onError(parts))
  return app
}

function measure({ metrics, clock, log }: AppParts): MiddlewareHandler {
  return async (context, next) => {
    const start = clock.now()
    await next()
    const { method, path } = context.req
    const area = areaOf(path)
    const ms = Math.max(0, clock.now() - start)
    metrics.httpRequests.inc({ method: knownMethod(method), area, status: context.res.status })
    metrics.httpSeconds.observe({ area }, ms / 1000)
    log.debug({ method, path, status: context.res.status, ms }, 'http')
  }
}

// Labels come from short lists: a stranger must not be able to grow the metrics.
function areaOf(path: string): 'api' | 'admin' | 'health' | 'demo' {
  if (path.startsWith('/api/')) return 'api'
  if (path === '/admin' || path.startsWith('/admin/')) return 'admin'
  return ['/livez', '/readyz', '/metrics'].includes(path) ? 'health' : 'demo'
}

function knownMethod(method: string): string {
  return ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].includes(method) ? method : 'other'
}
