import { TidemarkError } from '@tidemark/shared'

/** Questions that the database is asked at once, of the connections on which documents are loaded; and those that wait. */
const most = { underWay: 2, waiting: 100 }

interface Waiting {
  readonly answer: Promise<Uint8Array<ArrayBuffer>>
  begin(): void
}

/**
 * What HTTP asks the database (W13): a few questions at once, so that documents are loaded meanwhile. Who asks what waits already
 * shares its answer, which is as new as their question. Answers are handed out in turns, however many come together.
 */
export class Questions {
  readonly #rest: () => Promise<void>
  /** In their order. */
  readonly #waiting = new Map<string, Waiting>()
  #underWay = 0

  /** @param rest waits for a turn of the event loop */
  constructor(rest: () => Promise<void>) {
    this.#rest = rest
  }

  /**
   * @param key the same for the same question
   * @returns the answer as JSON
   * @throws {TidemarkError} `server-busy`; whatever the question throws
   */
  async ask(key: string, question: () => Promise<object>): Promise<Uint8Array<ArrayBuffer>> {
    const known = this.#waiting.get(key)
    if (!known && this.#waiting.size >= most.waiting) {
      throw new TidemarkError('server-busy', 'Too many questions wait for the database. Try again shortly.')
    }
    const { answer } = known ?? this.#wait(key, question)
    try {
      return await answer
    } finally {
      await this.#rest()
    }
  }

  #wait(key: string, question: () => Promise<object>): Waiting {
    const { promise: answer, resolve, reject } = Promise.withResolvers<Uint8Array<ArrayBuffer>>()
    const begin = (): void => {
      const asking = question().then((result) => new Uint8Array(Buffer.from(JSON.stringify(result))))
      asking.then(resolve, reject).finally(() => {
        this.#underWay--
        this.#beginNext()
      })
    }
    const waiting = { answer, begin }
    this.#waiting.set(key, waiting)
    this.#beginNext()
    return waiting
  }

  #beginNext(): void {
    if (this.#underWay >= most.underWay) return
    for (const [key, { begin }] of this.#waiting) {
      this.#waiting.delete(key)
      this.#underWay++
      begin()
      return
    }
  }
}
