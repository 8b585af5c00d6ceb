import type { Page } from 'playwright-core'

export type OpenFailure = 'throws' | 'fails' | 'hangs' | 'is missing'

/** What browsers do in private windows, with storage forbidden, or when their database is damaged. */
export async function breakOpening(page: Page, how: OpenFailure): Promise<void> {
  await page.addInitScript((failure) => {
    if (failure === 'is missing') {
      Object.defineProperty(window, 'indexedDB', { value: undefined })
      return
    }
    IDBFactory.prototype.open = (): IDBOpenDBRequest => {
      if (failure === 'throws') throw new DOMException('The operation is insecure.', 'SecurityError')
      const request = new EventTarget()
      const error = new DOMException('Internal error opening backing store', 'UnknownError')
      Object.assign(request, {
        error,
        result: undefined,
        onerror: null,
        onsuccess: null,
        onblocked: null,
        onupgradeneeded: null,
      })
      if (failure === 'fails') {
        setTimeout(() => {
          const event = new Event('error', { cancelable: true })
          request.dispatchEvent(event)
          ;(request as unknown as IDBOpenDBRequest).onerror?.call(request as IDBOpenDBRequest, event)
        })
      }
      return request as IDBOpenDBRequest
    }
  }, how)
}

/** From the moment `failWrites(true)` is called every write fails, as on a device that is out of space. */
export async function breakableWrites(page: Page): Promise<void> {
  await page.addInitScript(() => {
    window.writesFail = false
    for (const method of ['add', 'put'] as const) {
      const real = IDBObjectStore.prototype[method]
      IDBObjectStore.prototype[method] = function (this: IDBObjectStore, ...args: [unknown, IDBValidKey?]) {
        const request = real.apply(this, args)
        if (window.writesFail) {
          // the browser accepts every request, and takes the whole transaction back later
          const transaction = this.transaction
          const error = new DOMException('The quota has been exceeded.', 'QuotaExceededError')
          Object.defineProperty(transaction, 'error', { value: error, configurable: true })
          queueMicrotask(() => {
            try {
              transaction.abort()
            } catch {
              // it is aborted already, for an earlier request
            }
          })
        }
        return request
      }
    }
  })
}

export async function failWrites(page: Page, fail: boolean): Promise<void> {
  await page.evaluate((value) => {
    window.writesFail = value
  }, fail)
}

declare global {
  interface Window {
    writesFail?: boolean
  }
}
