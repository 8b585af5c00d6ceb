/** Waits until a condition holds; fails with what was being waited for. */
export async function until(what: string, isTrue: () => unknown, timeout = 5_000): Promise<void> {
  const deadline = Date.now() + timeout
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error(`not within ${timeout} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
