/** However often it is asked for, it is made once in so many ms. */
export function sharedFor<Result>(ms: number, make: () => Promise<Result>): () => Promise<Result> {
  let made: { at: number; result: Promise<Result> } | null = null
  return () => {
    if (!made || performance.now() - made.at >= ms) {
      made = { at: performance.now(), result: make() }
      made.result.catch(() => {
        made = null
      })
    }
    return made.result
  }
}
