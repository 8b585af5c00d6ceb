import { Hono, type MiddlewareHandler } from 'hono'
import { apiRoutes } from './api.ts'
import { notFound, onError } from './failures.ts'
import { checkSource } from './guards.ts'
import { sendSecurityHeaders } from './headers.ts'
import { metricsRoutes } from './metrics-routes.ts'
import { packagedFolders, pageRoutes } from './pages.ts'
import type { AppParts } from './parts.ts'
import { requestCounter } from './request-counter.ts'

/** The HTTP side of a server behind its front door: metrics, API, pages. Sockets are upgraded beside it. */
export function createApp(parts: AppParts): Hono {
  const app = new Hono()
  app.use(measure(parts), sendSecurityHeaders(), checkSource(parts))
  app.route('/', metricsRoutes(parts))
  app.route('/api', apiRoutes(parts))
  app.all('/api/*', notFound)
  app.route('/', pageRoutes(parts.folders ?? packagedFolders))
  app.notFound(notFound)
  app.onError(onError(parts))
  return app
}

function measure(parts: AppParts): MiddlewareHandler {
  const count = requestCounter(parts)
  return async (context, next) => {
    const since = parts.clock.now()
    await next()
    const { method, path } = context.req
    count({ method, path, status: context.res.status, since })
  }
}
