import { fileURLToPath } from 'node:url'
import { type Context, Hono } from 'hono'
import { diskOf, Folder } from './folder.ts'
import { contentPolicy, noMarkupFromText } from './headers.ts'
import { createStaticFiles } from './static-files.ts'

const root = new URL('../../../', import.meta.url)

/** Where this package has its pages. */
export const packagedFolders = {
  demo: fileURLToPath(new URL('client/demo/dist', root)),
  admin: fileURLToPath(new URL('server/admin', root)),
}

/** The demo at `/` and `/d/<document>`, the admin page at `/admin`. */
export function pageRoutes(folders: { readonly demo: string; readonly admin: string }): Hono {
  const demo = createStaticFiles(new Folder(diskOf(folders.demo)))
  const admin = createStaticFiles(new Folder(diskOf(folders.admin)))
  const routes = new Hono()

  const adminPage = (context: Context) => {
    context.header('Content-Security-Policy', contentPolicy(context.req.header('host')) + noMarkupFromText)
    return admin.answer(context, context.req.path.replace(/^\/admin\/?/, '') || 'index.html') ?? context.notFound()
  }
  routes.get('/admin', adminPage)
  routes.get('/admin/*', adminPage)

  const demoPage = (context: Context) => demo.answer(context, 'index.html') ?? notBuilt(context)
  routes.get('/', demoPage)
  routes.get('/d/*', demoPage)
  routes.get('/*', (context) => demo.answer(context, context.req.path.slice(1)) ?? context.notFound())
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
