import { fileURLToPath } from 'node:url'
import { type Context, Hono } from 'hono'
import { noMarkupFromText } from './headers.ts'
import { createStaticFiles } from './static-files.ts'

const root = new URL('../../../', import.meta.url)

/** Where this package has its pages. */
export const packagedFolders = {
  demo: fileURLToPath(new URL('client/demo/dist', root)),
  admin: fileURLToPath(new URL('server/admin', root)),
}

/** The demo at `/` and `/d/<document>`, the admin page at `/admin`. */
export function pageRoutes(folders: { readonly demo: string; readonly admin: string }): Hono {
  const demo = createStaticFiles(folders.demo)
  const admin = createStaticFiles(folders.admin)
  const routes = new Hono()

  const adminPage = async (context: Context) => {
    const path = context.req.path.replace(/^\/admin\/?/, '') || 'index.html'
    const response = await admin.answer(context, path)
    if (response === null) return context.notFound()
    const policy = response.headers.get('Content-Security-Policy') ?? ''
    response.headers.set('Content-Security-Policy', policy + noMarkupFromText)
    return response
  }
  routes.get('/admin', adminPage)
  routes.get('/admin/*', adminPage)

  const demoPage = async (context: Context) => (await demo.answer(context, 'index.html')) ?? notBuilt(context)
  routes.get('/', demoPage)
  routes.get('/d/*', demoPage)
  routes.get('/*', async (context) => (await demo.answer(context, context.req.path.slice(1))) ?? context.notFound())
  return routes
}

function notBuilt(context: Context): Response | Promise<Response> {
  context.header('Cache-Control', 'no-store')
  return context.text(
    'Tidemark is running, but its demo page is not built. Run "npm run build" in the repository, then reload.\n' +
      'Documents can be synced at /sync already; the administration is at /admin.\n',
    503,
  )
}
