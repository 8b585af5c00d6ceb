import { type ErrorCode, errorSentences, TidemarkError } from '@tidemark/shared'
import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { AppParts } from './parts.ts'

/** The HTTP status of a failure. */
export function statusOf(code: ErrorCode): ContentfulStatusCode {
  switch (code) {
    case 'token-missing':
    case 'token-invalid':
    case 'token-expired':
    case 'token-revoked':
      return 401
    case 'permission-denied':
    case 'read-only':
    case 'origin-not-allowed':
      return 403
    // not this server's name: 421 is "misdirected request"
    case 'host-not-allowed':
      return 421
    case 'not-found':
      return 404
    case 'message-malformed':
    case 'document-name-invalid':
      return 400
    case 'message-too-large':
      return 413
    case 'too-many-requests':
      return 429
    case 'storage-unavailable':
    case 'server-busy':
    case 'server-restarting':
    case 'too-many-connections':
      return 503
    default:
      return 500
  }
}

/** Every failure of the API has this shape: `{ error: { code, message } }`. */
export function answerFailure(context: Context, failure: TidemarkError): Response {
  const { code, message } = failure
  const status = statusOf(code)
  if (status === 401)
    context.header('WWW-Authenticate', code === 'token-missing' ? 'Bearer' : 'Bearer error="invalid_token"')
  if (status === 503) context.header('Retry-After', '2')
  context.header('Cache-Control', 'no-store')
  return context.json({ error: { code, message } }, status)
}

/** Answers what a handler threw. What a stranger does wrong is answered; what is wrong here is logged, too. */
export function onError({ onFailure, metrics }: Pick<AppParts, 'onFailure' | 'metrics'>) {
  return (error: Error, context: Context): Response => {
    const failure = error instanceof TidemarkError ? error : new TidemarkError('internal', undefined, { cause: error })
    metrics.failures.inc({ code: failure.code })
    if (statusOf(failure.code) >= 500) {
      const { method, path } = context.req
      onFailure({ code: failure.code, method, path, cause: failure.cause ?? failure })
    }
    return answerFailure(context, failure)
  }
}

export function notFound(context: Context): Response {
  if (context.req.path.startsWith('/api/')) return answerFailure(context, new TidemarkError('not-found'))
  return context.text(errorSentences['not-found'], 404)
}
