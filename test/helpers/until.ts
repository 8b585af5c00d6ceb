/** Waits until `condition` holds (returns something truthy), looking often. @throws with `what` after `timeout` ms */
export async function until<Value>(
  what: string,
  condition: () => Value | Promise<Value>,
  { timeout = 10_000, interval = 10 }: { timeout?: number; interval?: number } = {},
): Promise<Exclude<Value, false | null | undefined | 0 | ''>> {
  const end = performance.now() + timeout
  let lastError: unknown
  for (;;) {
    try {
      const value = await condition()
      if (value) return value as Exclude<Value, false | null | undefined | 0 | ''>
    } catch (error) {
      lastError = error
    }
    if (performance.now() > end) throw new Error(`waited ${timeout} ms in vain: ${what}`, { cause: lastError })
    await pause(interval)
  }
}

export function pause(duration: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, duration))
}

/** Rejects when `promise` takes longer than `timeout` ms, so that a hang has a name. */
export async function within<Value>(what: string, timeout: number, promise: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${timeout} ms: ${what}`)), timeout)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
