/** Small settings that this device remembers. Never a token, never a document. */
export interface DeviceMemory {
  read(key: string): string | null
  write(key: string, value: string): void
}

/** `localStorage`, or this page's own memory where the browser allows none. */
export function deviceMemory(): DeviceMemory {
  const fallback = new Map<string, string>()
  return {
    read(key) {
      try {
        return localStorage.getItem(key) ?? fallback.get(key) ?? null
      } catch {
        return fallback.get(key) ?? null
      }
    },
    write(key, value) {
      fallback.set(key, value)
      try {
        localStorage.setItem(key, value)
      } catch {
        // blocked or full: remembered until the page is closed
      }
    },
  }
}
