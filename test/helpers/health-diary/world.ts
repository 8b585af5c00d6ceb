import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { type Person, TestBrowser } from '../chromium.ts'
import { freshDatabase } from '../postgres.ts'
import { ServerProcess } from '../server.ts'
import { secret, token } from '../tokens.ts'
import { DiaryPage } from './page.ts'
import { DiaryApp } from './serve.ts'

/** What the tests of one file have in common: a browser, the app on its origin, and a Tidemark server that allows it. */
export class DiaryWorld {
  readonly #servers: ServerProcess[] = []
  readonly #people: Person[] = []
  #browser: TestBrowser | null = null
  #app: DiaryApp | null = null
  #server: ServerProcess | null = null

  constructor() {
    beforeAll(async () => {
      this.#browser = await TestBrowser.launch()
      this.#app = await DiaryApp.start()
      this.app.token = await token()
      this.#server = await this.startServer()
    })
    afterEach(async () => {
      for (const person of this.#people.splice(0)) {
        expect(person.complaints).toEqual([])
        await person.context.close()
      }
    })
    afterAll(async () => {
      await this.#browser?.[Symbol.asyncDispose]()
      await this.#app?.[Symbol.asyncDispose]()
      for (const started of this.#servers) await started[Symbol.asyncDispose]()
    })
  }

  get app(): DiaryApp {
    return this.#app!
  }

  /** The one that nobody kills. */
  get server(): ServerProcess {
    return this.#server!
  }

  async startServer(): Promise<ServerProcess> {
    const started = await ServerProcess.start({
      databaseUrl: await freshDatabase(),
      secret,
      env: { TIDEMARK_ALLOWED_ORIGINS: this.app.origin },
    })
    this.#servers.push(started)
    return started
  }

  /** A device of its own. */
  async somebody(): Promise<Person> {
    const person = await this.#browser!.person()
    this.#people.push(person)
    return person
  }

  /** @param client whose diary */
  async open(of: Person, at = this.server, client = 'anna'): Promise<DiaryPage> {
    return DiaryPage.open(await of.context.newPage(), this.app.address(at.sync, client))
  }
}
