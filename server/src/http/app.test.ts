import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AppParts } from './parts.ts'
import { bearer, host, makeApp as makeBareApp, withSecret } from './testing.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-http-'))
  await mkdir(join(folder, 'demo', 'assets'), { recursive: true })
  await mkdir(join(folder, 'admin'))
  await writeFile(join(folder, 'demo', 'index.html'), '<title>demo</title>')
  await writeFile(join(folder, 'demo', 'assets', 'index-B1x2_-y3.js'), `// ${'script '.repeat(500)}`)
  await writeFile(join(folder, 'demo', 'assets', 'logo.svg'), '<svg/>')
  await writeFile(join(folder, 'demo', '.env'), 'not to be served')
  await writeFile(join(folder, 'admin', 'index.html'), '<title>admin</title>')
  await writeFile(join(folder, 'secret.txt'), 'not to be served')
})

afterAll(() => rm(folder, { recursive: true }))

const makeApp = (changes: Partial<AppParts> = {}) =>
  makeBareApp({ folders: { demo: join(folder, 'demo'), admin: join(folder, 'admin') }, ...changes })

describe('[S2] names and origins', () => {
  test('another name is refused everywhere, pages and metrics included', async () => {
    for (const path of ['/', '/metrics', '/api/status', '/admin', '/nowhere']) {
      const response = await makeApp().request(path, { host: 'evil.example:4321' })
      expect(response.status).toBe(421)
      expect(await response.json()).toEqual({ error: { code: 'host-not-allowed', message: expect.any(String) } })
    }
  })

  test('a foreign page reads and changes nothing; its own page does', async () => {
    const { request } = makeApp()
    const origin = 'http://evil.example'
    expect((await request('/api/documents', { origin })).status).toBe(403)
    expect((await request('/api/documents', { origin }, 'POST')).status).toBe(403)
    expect((await request('/', { origin }, 'DELETE')).status).toBe(403)
    expect((await request('/api/status', { origin: `http://${host}` })).status).toBe(200)
  })
})

describe('[S5] every answer carries the headers', () => {
  test.each([
    '/',
    '/d/team-7/plan',
    '/admin',
    '/metrics',
    '/api/status',
    '/api/nothing',
    '/nothing',
    '/assets/logo.svg',
  ])('%s', async (path) => {
    const { headers } = await makeApp().request(path)
    const policy = headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).toContain(`connect-src 'self' ws://${host} wss://${host}`)
    expect(policy).not.toMatch(/unsafe|\*/)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin')
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin')
    expect(headers.get('access-control-allow-origin')).toBeNull()
  })

  test('a refused Host cannot write itself into the policy', async () => {
    const { headers } = await makeApp().request('/', { host: 'x;script-src *' })
    expect(headers.get('content-security-policy')).not.toContain('script-src *')
  })

  test('the admin page may not turn text into markup at all', async () => {
    const { headers } = await makeApp().request('/admin')
    expect(headers.get('content-security-policy')).toContain("require-trusted-types-for 'script'")
  })
})

describe('[W2] metrics', () => {
  test('metrics count, and ask for a token where there is a secret', async () => {
    const { request } = makeApp()
    await request('/api/status')
    expect(await (await request('/metrics')).text()).toMatch(/tidemark_http_requests_total\{.*area="api".*\} 1/)
    const guarded = makeApp({ auth: withSecret })
    expect((await guarded.request('/metrics')).status).toBe(401)
    expect((await guarded.request('/metrics', await bearer({ '*': 'admin' }))).status).toBe(200)
  })
})

describe('[B5] the pages', () => {
  test('every document has the demo page, which is asked for each time', async () => {
    const { request } = makeApp()
    for (const path of ['/', '/d/plan', '/d/team-7/plan', '/d/50%25_done']) {
      const response = await request(path)
      expect(await response.text()).toBe('<title>demo</title>')
      expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
      expect(response.headers.get('cache-control')).toBe('no-cache')
    }
  })

  test('a file with a hash in its name is kept for ever, any other is asked for again', async () => {
    const { request } = makeApp()
    const hashed = await request('/assets/index-B1x2_-y3.js', { 'accept-encoding': 'gzip, br' })
    expect(hashed.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    expect(hashed.headers.get('content-encoding')).toBe('gzip')
    expect(gunzipSync(await hashed.arrayBuffer()).toString()).toMatch(/^\/\/ script/)
    expect(await (await request('/assets/index-B1x2_-y3.js')).text()).toMatch(/^\/\/ script/)
    const logo = await request('/assets/logo.svg')
    expect(logo.headers.get('cache-control')).toBe('no-cache')
    const again = await request('/assets/logo.svg', { 'if-none-match': logo.headers.get('etag') ?? '' })
    expect(again.status).toBe(304)
  })

  test.each([
    '/../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/assets/..%2f..%2fsecret.txt',
    '/assets//etc/passwd',
    '/assets/%00',
    '/assets',
    '/.env',
    '/admin/../secret.txt',
    '/admin/..%2fsecret.txt',
    '/admin/%5c..%5csecret.txt',
  ])('nothing outside the folder is served: %s', async (path) => {
    const response = await makeApp().request(path)
    expect(response.status).toBe(404)
    expect(await response.text()).not.toContain('not to be served')
  })

  test('a demo that is not built says so, and how to build it', async () => {
    const { request } = makeBareApp({ folders: { demo: join(folder, 'not-built'), admin: join(folder, 'admin') } })
    const response = await request('/')
    expect(response.status).toBe(503)
    expect(await response.text()).toContain('npm run build')
  })
})
