/**
 * Lets the page itself open with no network: a document that is kept on this device is of little use behind a page
 * that does not load (C1). The worker keeps the page and its files, never a document, an answer of the API or a token.
 */
export function keepShell(): void {
  // missing where the page is not served from a secure origin, and unwanted where Vite serves changing modules
  if (!('serviceWorker' in navigator) || import.meta.env.DEV) return
  navigator.serviceWorker.register('/service-worker.js').catch(() => {
    // private windows and strict settings refuse workers; the page then needs the network to be loaded, and nothing else
  })
}
