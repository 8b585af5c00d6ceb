import type { Clock } from '@tidemark/shared'

/** @throws whatever the work throws, or an error that says what took too long */
export async function within<Result>(
  clock: Clock,
  limit: number,
  what: string,
  work: Promise<Result>,
): Promise<Result> {
  let cancel = () => {}
  const tooLate = new Promise<never>((_, reject) => {
    cancel = clock.after(limit, () => reject(new Error(`${what} took more than ${limit} ms`)))
  })
  try {
    return await Promise.race([work, tooLate])
  } finally {
    cancel()
  }
}
