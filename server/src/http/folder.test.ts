import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { type Disk, Folder } from './folder.ts'
import { makeApp } from './testing.ts'

/** A folder whose files a test changes, and what was asked of it. */
function makeDisk(files: Record<string, string>) {
  const asked: string[] = []
  const disk: Disk = {
    list() {
      asked.push('list')
      return new Map(Object.entries(files))
    },
    read(path) {
      asked.push(path)
      const text = files[path]
      return text === undefined ? null : new Uint8Array(Buffer.from(text))
    },
  }
  return { disk, asked, files }
}

describe('[W12] the pages are in memory', () => {
  test('a file that thousands ask for together is read once, and files that are not there are not looked for', () => {
    const { disk, asked } = makeDisk({ 'index.html': 'x'.repeat(5_000) })
    const folder = new Folder(disk, () => 0)
    for (let count = 0; count < 3_000; count++) {
      expect(folder.file(`none-${count}.html`)).toBeNull()
      expect(folder.file('index.html')).not.toBeNull()
    }
    expect(asked).toEqual(['list', 'index.html'])
  })

  test('it is compressed once, when somebody takes it so', () => {
    const { disk } = makeDisk({ 'index.html': 'x'.repeat(5_000) })
    const folder = new Folder(disk, () => 0)
    const gzipped = folder.file('index.html')?.gzipped
    expect(gunzipSync(gzipped ?? '').toString()).toBe('x'.repeat(5_000))
    expect(folder.file('index.html')?.gzipped, 'the same bytes').toBe(gzipped)
  })

  test('one that changed is read anew within a second, one that is gone is not served any more', () => {
    const { disk, asked, files } = makeDisk({ 'index.html': 'old', 'other.js': 'other', 'gone.js': 'gone' })
    let now = 0
    const folder = new Folder(disk, () => now)
    for (const path of Object.keys(files)) folder.file(path)
    files['index.html'] = 'new'
    delete files['gone.js']
    expect(Buffer.from(folder.file('index.html')?.plain ?? []).toString()).toBe('old')
    now = 1_000
    expect(Buffer.from(folder.file('index.html')?.plain ?? []).toString()).toBe('new')
    expect(folder.file('gone.js')).toBeNull()
    folder.file('other.js')
    expect(asked).toEqual(['list', 'index.html', 'other.js', 'gone.js', 'list', 'index.html'])
  })

  test('a file that goes while it is read is not there', () => {
    const folder = new Folder({ list: () => new Map([['index.html', '1']]), read: () => null })
    expect(folder.file('index.html')).toBeNull()
  })
})

test('[W12] nobody’s page waits for the disk: its answer is there in the turn of its request', async () => {
  const { request } = makeApp()
  await request('/admin')
  let answered = 0
  for (let count = 0; count < 100; count++) {
    const path = ['/admin', '/admin/main.js', '/admin/nothing.js', '/nothing'][count % 4] ?? '/'
    void request(path, { 'accept-encoding': 'gzip' }).then(() => answered++)
  }
  await new Promise<void>((resolve) => process.nextTick(resolve))
  expect(answered).toBe(100)
})

describe('[W12] what a browser has is not sent again', () => {
  const { request } = makeApp()
  const etag = async () => (await request('/admin')).headers.get('etag') ?? ''

  test.each([
    ['the tag', (tag: string) => tag],
    ['the tag, as strong', (tag: string) => tag.slice(2)],
    ['several', (tag: string) => `"other", ${tag}`],
    ['any', () => '*'],
  ])('%s', async (_, header) => {
    expect((await request('/admin', { 'if-none-match': header(await etag()) })).status).toBe(304)
  })

  test.each(['"other"', '', 'W/""'])('%s is another one', async (header) => {
    expect((await request('/admin', { 'if-none-match': header })).status).toBe(200)
  })

  test.each([
    ['gzip', 'gzip'],
    ['br, GZIP;q=0.5', 'gzip'],
    ['gzip;q=0', null],
    ['br, gzip; q=0.0, identity', null],
    ['xgzip', null],
    ['', null],
  ])('Accept-Encoding: %j', async (header, encoding) => {
    const { headers } = await request('/admin', { 'accept-encoding': header })
    expect(headers.get('content-encoding')).toBe(encoding)
  })
})
