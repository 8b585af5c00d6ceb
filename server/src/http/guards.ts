import { TidemarkError } from '@tidemark/shared'
import type { Context, MiddlewareHandler } from 'hono'
import { answerFailure } from './failures.ts'
import type { AppParts } from './parts.ts'

/** Refuses requests that were meant for another name, or that a foreign page makes (S2). */
export function checkSource({ network, metrics }: Pick<AppParts, 'network' | 'metrics'>): MiddlewareHandler {
  return async (context, next) => {
    const host = context.req.header('host')
    const refuse = (code: 'host-not-allowed' | 'origin-not-allowed') => {
      metrics.failures.inc({ code })
      return answerFailure(context, new TidemarkError(code))
    }
    if (!network.isHostAllowed(host)) return refuse('host-not-allowed')
    const { method, path } = context.req
    const mayChange = method !== 'GET' && method !== 'HEAD'
    if ((mayChange || path.startsWith('/api/')) && !network.isOriginAllowed(context.req.header('origin'), host)) {
      return refuse('origin-not-allowed')
    }
    await next()
  }
}

/** Lets administrators through. An open server, which only this machine can reach, asks nobody (S1). */
export function requireAdmin(parts: Pick<AppParts, 'authoriser' | 'rest'>): MiddlewareHandler {
  return async (context, next) => {
    await checkAdmin(parts, bearerToken(context) ?? '')
    await next()
  }
}

/** Signatures are checked beside the event loop, and many of them may be done at once: what follows has its turn (W13). */
export async function checkAdmin(
  { authoriser, rest }: Pick<AppParts, 'authoriser' | 'rest'>,
  token: string,
): Promise<void> {
  try {
    await authoriser.authoriseAdmin(token)
  } finally {
    await rest()
  }
}

/** The token of the `Authorization` header, the only place for it (R10.1). */
export function bearerToken(context: Context): string | null {
  return /^Bearer +(\S+) *$/i.exec(context.req.header('authorization') ?? '')?.[1] ?? null
}
