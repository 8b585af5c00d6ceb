import { Hono } from 'hono'
import { requireAdmin } from './guards.ts'
import type { AppParts } from './parts.ts'

/** For whoever watches what the process does. */
export function metricsRoutes({ metrics, authoriser }: AppParts): Hono {
  const routes = new Hono()
  const metricsText = sharedFor(1_000, () => metrics.registry.metrics())
  routes.get('/metrics', requireAdmin(authoriser), async (context) => {
    context.header('Content-Type', metrics.registry.contentType)
    context.header('Cache-Control', 'no-store')
    return context.body(await metricsText())
  })
  return routes
}

/** However often it is asked for, it is made once in so many ms: counting walks all sockets. */
function sharedFor<Result>(ms: number, make: () => Promise<Result>): () => Promise<Result> {
  let made: { at: number; result: Promise<Result> } | null = null
  return () => {
    if (!made || performance.now() - made.at >= ms) {
      made = { at: performance.now(), result: make() }
      made.result.catch(() => {
        made = null
      })
    }
    return made.result
  }
}
