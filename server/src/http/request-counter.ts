import type { AppParts } from './parts.ts'

/** A request that has been answered. */
export interface Answered {
  readonly method: string
  readonly path: string
  readonly status: number
  /** When it came, in Unix time in ms. */
  readonly since: number
}

/** Counts what was asked and answered. */
export function requestCounter({ metrics, clock, log }: Pick<AppParts, 'metrics' | 'clock' | 'log'>) {
  return ({ method, path, status, since }: Answered): void => {
    const area = areaOf(path)
    const ms = Math.max(0, clock.now() - since)
    metrics.httpRequests.inc({ method: knownMethod(method), area, status })
    metrics.httpSeconds.observe({ area }, ms / 1000)
    log.debug({ method, path, status, ms }, 'http')
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
