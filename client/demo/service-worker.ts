/**
 * Keeps the page and its files, so that it opens with no network. Pages come from the network when it answers in time,
 * so a new version is seen at once; files carry a hash in their name and never change.
 */

// TypeScript's library for workers excludes the one for pages, and this project has one configuration for both.
type LifecycleEvent = Event & { waitUntil(work: Promise<unknown>): void }
type FetchEvent = LifecycleEvent & { readonly request: Request; respondWith(answer: Promise<Response>): void }
type Scope = {
  addEventListener(type: 'install' | 'activate', listener: (event: LifecycleEvent) => void): void
  addEventListener(type: 'fetch', listener: (event: FetchEvent) => void): void
  skipWaiting(): Promise<void>
  readonly clients: { claim(): Promise<void> }
}

/** Written by vite.config.ts: each file of this build. A new build is a new list, and so a new worker. */
declare const SHELL_FILES: readonly string[]

const scope = globalThis as unknown as Scope
const cacheName = 'tidemark-shell'
/** How long the network may take for a page before the kept one is shown; in ms. */
const patience = 2500

scope.addEventListener('install', (event) => {
  event.waitUntil(
    caches
      .open(cacheName)
      .then((cache) => cache.addAll(['/', ...SHELL_FILES]))
      .then(() => scope.skipWaiting()),
  )
})

scope.addEventListener('activate', (event) => {
  event.waitUntil(removeOldFiles().then(() => scope.clients.claim()))
})

scope.addEventListener('fetch', (event) => {
  const { request } = event
  const url = new URL(request.url)
  if (request.method !== 'GET' || url.origin !== location.origin) return
  if (request.mode === 'navigate' && (url.pathname === '/' || url.pathname.startsWith('/d/'))) {
    event.respondWith(page(request))
  } else if (SHELL_FILES.includes(url.pathname)) {
    event.respondWith(file(request))
  }
})

async function page(request: Request): Promise<Response> {
  const kept = await caches.match('/')
  if (!kept) return fetch(request)
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(patience) })
    // a proxy that answers for a server that is away
    return answer.status >= 500 ? kept : answer
  } catch {
    return kept
  }
}

async function file(request: Request): Promise<Response> {
  return (await caches.match(request)) ?? fetch(request)
}

async function removeOldFiles(): Promise<void> {
  const cache = await caches.open(cacheName)
  const current = new Set(['/', ...SHELL_FILES])
  for (const request of await cache.keys()) {
    if (!current.has(new URL(request.url).pathname)) await cache.delete(request)
  }
}

export {}
