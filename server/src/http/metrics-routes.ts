import { Hono } from 'hono'
import { requireAdmin } from './guards.ts'
import type { AppParts } from './parts.ts'
import { sharedFor } from './shared-for.ts'

/** For whoever watches what the process does. */
export function metricsRoutes(parts: AppParts): Hono {
  const { metrics } = parts
  const routes = new Hono()
  // counting walks all sockets
  const metricsText = sharedFor(1_000, () => metrics.registry.metrics())
  routes.get('/metrics', requireAdmin(parts), async (context) => {
    context.header('Content-Type', metrics.registry.contentType)
    context.header('Cache-Control', 'no-store')
    return context.body(await metricsText())
  })
  return routes
}
