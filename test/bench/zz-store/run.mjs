import { rolldown } from 'rolldown'
import { chromium } from 'playwright-core'
import http from 'node:http'
const b = await rolldown({ input: new URL('./page.ts', import.meta.url).pathname, platform: 'browser' })
const { output } = await b.generate({ format: 'esm', minify: false })
const files = new Map(output.map(o => ['/' + o.fileName, o.code]))
const entry = output.find(o => o.isEntry).fileName
const server = http.createServer((q, s) => { if (files.has(q.url)) { s.setHeader('content-type', 'text/javascript'); s.end(files.get(q.url)) } else { s.setHeader('content-type', 'text/html'); s.end(`<script type=module src="/${entry}"></script>`) } }).listen(0, '127.0.0.1')
await new Promise(r => server.on('listening', r))
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'] })
const page = await browser.newPage()
page.on('console', m => console.log('>', m.text()))
page.on('pageerror', e => console.log('!', e))
await page.goto(`http://127.0.0.1:${server.address().port}/`)
await page.waitForFunction(() => typeof go === 'function')
console.log(JSON.stringify(await page.evaluate(() => go()), null, 1))
await browser.close(); server.close()
