import type { TidemarkDocument } from '@tidemark/client'
import type * as Y from 'yjs'
import type { Login } from './login.ts'
import { type Edit, Opened, Rude } from './opened.ts'
import type { Promises } from './promises.ts'
import type { Rest } from './rest.ts'
import type { DocumentName, Step } from './steps.ts'

type OfClient = Extract<Step, { does: 'sign out' | 'close client' | 'catch up' }>
type OfDocument = Extract<Step, { tab: number; document: DocumentName }>

/** What people, and the apps that they use, do with their clients and documents. */
export class People {
  readonly #promises: Promises
  readonly #rest: Rest
  #numbers = 0

  constructor(promises: Promises, rest: Rest) {
    this.#promises = promises
    this.#rest = rest
  }

  // ——— clients ———

  ofClient(login: Login, step: OfClient): void {
    login.tab.run(() => {
      switch (step.does) {
        case 'sign out':
          this.#signOut(login, step)
          return
        case 'close client':
          this.#over(login)
          this.#promises.await('closing a client', login.tab, login.client.close())
          return
        case 'catch up':
          this.#promises.await('catching up', login.tab, login.client.catchUp())
      }
    })
  }

  #signOut(login: Login, { flush, timeout, wipe }: Extract<OfClient, { does: 'sign out' }>): void {
    this.#promises.check()
    const before = this.#promises.edits.filter((edit) => edit.by.login === login || this.#promises.stored.has(edit))
    const signingOut = login.client.signOut({ flush, timeout, wipe })
    login.isOver = true
    login.isThrowingAway = wipe === 'always'
    this.#promises.await('signing out', login.tab, signingOut)
    signingOut.then(
      ({ drained, wiped, error }) => {
        this.#over(login)
        // some tabs may have lost their copy, and others not
        if (error) this.#promises.parted.add(login.device)
        if (drained) this.#rest.checkDrained(login.device, before)
        if (wiped) this.#wiped(login)
        else if (wipe === 'always') {
          for (const edit of this.#promises.edits) {
            if (edit.by.device === login.device) this.#promises.condemned.add(edit)
          }
        }
      },
      () => this.#promises.complain('[R3.4] signing out was rejected'),
    )
  }

  /** Deleted with the person's word; or because nothing was pending, which was looked at. */
  #wiped(login: Login): void {
    for (const edit of this.#promises.edits) {
      if (edit.by.device === login.device) this.#promises.forgiven.add(edit)
    }
    this.#promises.clear(login.device)
  }

  #over(login: Login): void {
    login.isOver = true
    for (const opened of this.#promises.opened) if (opened.login === login) opened.closed()
  }

  // ——— documents ———

  open(login: Login, name: DocumentName, doc?: Y.Doc): void {
    login.tab.run(() => {
      const document = login.client.open(name, doc ? { doc } : {})
      if (this.#promises.opened.some((opened) => opened.document === document)) return
      const opened: Opened = new Opened(name, login, document, {
        saved: (opened, saying) => this.#promises.checkSaved(opened, saying),
        trouble: (what) => this.#promises.complain(what),
      })
      this.#promises.opened.push(opened)
      this.#promises.await(`loading ${name}`, login.tab, document.whenLoaded)
    })
  }

  ofDocument(login: Login, step: OfDocument): void {
    login.tab.run(() => {
      const { does, document: name } = step
      if (does === 'reopen document') {
        this.open(login, name)
        return
      }
      const opened = this.#promises.opened.findLast(
        (opened) => opened.login === login && opened.name === name && !opened.isClosed,
      )
      if (opened) this.#withDocument(opened, step)
    })
  }

  #withDocument(opened: Opened, step: OfDocument): void {
    const { document, login, name } = opened
    switch (step.does) {
      case 'insert':
      case 'delete':
        this.#edit(opened, step.does, step.at)
        return
      case 'paste':
        this.#insert(opened, 0, 'x'.repeat(step.bytes))
        return
      case 'burst':
        for (let count = 0; count < step.edits; count++) this.#insert(opened, count)
        return
      case 'close document':
        this.#close(opened)
        return
      case 'close and reopen':
        this.#close(opened)
        this.open(login, name)
        return
      case 'reopen the same':
        this.#close(opened)
        this.#promises.bringBack(opened)
        this.open(login, name, document.doc)
        return
      case 'set aside':
        this.#setAside(opened)
        return
      case 'disconnect':
      case 'connect':
        opened.isOff = step.does === 'disconnect'
        document[step.does]()
        return
      case 'retry':
        document.retry()
        return
      case 'flush':
        this.#flush(opened, step.timeout)
        return
      case 'be rude':
        this.#beRude(opened, step)
        return
      case 'reopen document':
        this.open(login, name)
        return
      default:
        step satisfies never
    }
  }

  #close(opened: Opened): void {
    opened.closed()
    this.#promises.await(`closing ${opened.name}`, opened.tab, opened.document.close())
  }

  #setAside(opened: Opened): void {
    const before = [...this.#promises.edits]
    const settingAside = opened.document.setAside()
    this.#promises.await(`setting ${opened.name} aside`, opened.tab, settingAside)
    settingAside.then(
      () => {
        this.#promises.discard(opened, before)
        if (opened.login.isOver || opened.isClosed) return
        this.open(opened.login, opened.name)
      },
      () => {},
    )
  }

  #flush(opened: Opened, timeout: number): void {
    const flushing = opened.document.flush({ timeout })
    if (Number.isFinite(timeout)) this.#promises.await(`flushing ${opened.name}`, opened.tab, flushing)
    const before = this.#promises.edits.filter((edit) => edit.by === opened)
    flushing.then(
      () => {
        this.#promises.journals.look()
        const missing = before.find(({ units }) => !this.#promises.journals.holds(opened.name, units))
        if (missing) {
          this.#promises.complain(`[D3.2] ${opened} is flushed, and ${missing.says} is not committed`)
        }
      },
      ({ code }: { code?: string }) => {
        if (code === 'flush-timeout' && timeout === Number.POSITIVE_INFINITY) {
          this.#promises.complain(`[D3.2] flushing ${opened} ran out of endless time`)
        }
      },
    )
  }

  /** An app's listener or observer does what it should not, once. */
  #beRude(opened: Opened, { on, how }: Extract<OfDocument, { does: 'be rude' }>): void {
    const { document } = opened
    let isOver = false
    const act = () => {
      // what is written while it is being closed is kept nowhere
      if (isOver || opened.isClosed || document.isClosed) return
      isOver = true
      if (on === 'update') document.doc.off('update', act)
      if (how === 'throws') throw new Rude('an observer throws')
      if (how === 'writes') this.#insert(opened, 0, undefined, true)
      else if (how === 'flushes') this.#flush(opened, 1_000)
      else if (how === 'retries') document.retry()
      else this.#close(opened)
    }
    if (on === 'update') document.doc.on('update', act)
    else listen(document, on, act)
  }

  #edit(opened: Opened, does: 'insert' | 'delete', at: number): void {
    const numbers = opened.document.doc.getArray<number>('numbers')
    const index = numbers.length === 0 ? 0 : at % numbers.length
    if (does === 'insert') this.#insert(opened, index)
    else if (numbers.length > 0) {
      this.#made(opened.edit(`-${numbers.get(index)}`, () => numbers.delete(index)))
    }
  }

  #insert(opened: Opened, index: number, bulk?: string, isInEvent = false): void {
    const { doc } = opened.document
    const number = ++this.#numbers
    const change = () => {
      doc.getArray<number>('numbers').insert(index, [number])
      if (bulk) doc.getMap('bulk').set(String(number), bulk)
    }
    const edit = opened.edit(`+${number}`, change, isInEvent)
    this.#made(edit, bulk?.length)
  }

  #made(edit: Edit | null, bytes = 0): void {
    if (!edit) return
    if (bytes > 0) this.#promises.large.set(edit, bytes)
    this.#promises.edits.push(edit)
  }
}

function listen(document: TidemarkDocument, on: 'status' | 'pending' | 'drained' | 'error', act: () => void): void {
  document.on(on, act)
}
