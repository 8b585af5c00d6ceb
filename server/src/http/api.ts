import { isDocumentName, maxDocumentNameBytes, protocolVersion, TidemarkError } from '@tidemark/shared'
import { Hono } from 'hono'
import * as z from 'zod'
import type { DocumentSummary } from '../admin/catalogue.ts'
import { bearerToken, checkAdmin, requireAdmin } from './guards.ts'
import type { AppParts } from './parts.ts'
import { Questions } from './questions.ts'
import { sharedFor } from './shared-for.ts'

const json = { 'Content-Type': 'application/json' }

const text = z
  .string()
  .max(maxDocumentNameBytes)
  .refine((value) => !value.includes('\0'))

const listQuery = z.object({
  search: text.default(''),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: text.nullable().default(null),
})

/** The API under `/api`: JSON, and failures as `{ error: { code, message } }`. */
export function apiRoutes(parts: AppParts): Hono {
  const { catalogue, live } = parts
  const routes = new Hono()
  const questions = new Questions(parts.rest)
  // counting walks all sockets
  const detailsNow = sharedFor(1_000, () => details(parts))

  routes.use(async (context, next) => {
    context.header('Cache-Control', 'no-store')
    await next()
  })

  // Anybody may ask how to sign in; the rest is for administrators.
  routes.get('/status', async (context) => {
    const { ready, ...rest } = await parts.readiness()
    const known = { auth: { mode: parts.auth.mode }, protocol: protocolVersion, ready }
    const token = bearerToken(context)
    if (parts.auth.mode !== 'open' && token === null) return context.json(known)
    await checkAdmin(parts, token ?? '')
    return context.json({ ...known, ...rest, ...(await detailsNow()) })
  })

  routes.get('/documents', requireAdmin(parts), async (context) => {
    const query = listQuery.safeParse(context.req.query())
    if (!query.success) {
      const name = query.error.issues[0]?.path.join('.')
      throw new TidemarkError('message-malformed', `The parameter ${name} cannot be used.`)
    }
    const answer = await questions.ask(`list ${JSON.stringify(query.data)}`, async () => {
      const page = await fromDatabase(() => catalogue.list(query.data))
      return { documents: page.documents.map((document) => listed(document)), next: page.next }
    })
    return context.body(answer, 200, json)
  })

  // The name is one segment: its slashes come as %2F.
  routes.get('/documents/:name', requireAdmin(parts), async (context) => {
    const name = context.req.param('name')
    if (!isDocumentName(name)) throw new TidemarkError('document-name-invalid')
    const answer = await questions.ask(`find ${name}`, async () => {
      const document = await fromDatabase(() => catalogue.find(name))
      if (document === null) throw new TidemarkError('not-found', 'There is no document of this name.')
      const sessions = live.sessions(name).map((session) => ({ ...session, since: new Date(session.since) }))
      return { ...document, sessions }
    })
    return context.body(answer, 200, json)
  })

  function listed(document: DocumentSummary) {
    return { ...document, sessions: live.count(document.name) }
  }

  return routes
}

async function details({ version, startedAt, clock, databaseKind, metrics }: AppParts) {
  const [sockets, sessions, documents] = await Promise.all(
    [metrics.sockets, metrics.sessions, metrics.documents].map(
      async (gauge) => (await gauge.get()).values[0]?.value ?? 0,
    ),
  )
  return {
    version,
    uptimeSeconds: Math.max(0, Math.floor((clock.now() - startedAt) / 1000)),
    database: { kind: databaseKind },
    sockets,
    sessions,
    documentsInMemory: documents,
  }
}

/** These queries are ours and simple: when one fails, the database is away. */
async function fromDatabase<Result>(query: () => Promise<Result>): Promise<Result> {
  try {
    return await query()
  } catch (cause) {
    throw new TidemarkError('storage-unavailable', "The server's database is away. Try again shortly.", { cause })
  }
}
