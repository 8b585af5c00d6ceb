import { Hono } from 'hono'
import { requireAdmin } from './guards.ts'
import type { AppParts } from './parts.ts'

/** For whoever watches the process: is it alive, may it get traffic, what does it do. */
export function healthRoutes({ readiness, metrics, authoriser }: AppParts): Hono {
  const routes = new Hono()
  routes.get('/livez', (context) => {
    context.header('Cache-Control', 'no-store')
    return context.json({ alive: true })
  })
  routes.get('/readyz', async (context) => {
    context.header('Cache-Control', 'no-store')
    const state = await readiness()
    return context.json(state, state.ready ? 200 : 503)
  })
  routes.get('/metrics', requireAdmin(authoriser), async (context) => {
    context.header('Content-Type', metrics.registry.contentType)
    context.header('Cache-Control', 'no-store')
    return context.body(await metrics.registry.metrics())
  })
  return routes
}
