import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ProbeAnswer, ProbeQuestion } from './probe.ts'

const probePath = fileURLToPath(new URL('./probe.ts', import.meta.url))

export interface ServerCommand {
  readonly script: string
  readonly arguments: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** The line on stdout after which the server serves; its first group, where it has one, is the address. */
  readonly ready: RegExp
}

/** A measured server in a process of its own. */
export class ServerProcess {
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>
  /** What {@link ServerCommand.ready} caught. */
  readonly address: string

  private constructor(child: ChildProcess, exited: Promise<unknown>, address: string) {
    this.#child = child
    this.#exited = exited
    this.address = address
  }

  static async start(command: ServerCommand): Promise<ServerProcess> {
    const child = spawn(
      process.execPath,
      ['--expose-gc', '--import', probePath, command.script, ...command.arguments],
      {
        // Nothing of the person's own settings may reach a measured server.
        env: { PATH: process.env.PATH, NODE_ENV: 'production', ...command.environment },
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      },
    )
    const exited = once(child, 'exit')
    const errors: string[] = []
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      if (errors.length < 200) errors.push(text)
    })
    const lines = createInterface({ input: child.stdout! })
    const address = await new Promise<string>((resolve, reject) => {
      const deadline = setTimeout(() => fail('did not get ready within 30 s'), 30_000)
      const fail = (what: string) => {
        clearTimeout(deadline)
        child.kill('SIGKILL')
        reject(new Error(`${command.script} ${what}\n${seen.join('\n')}\n${errors.join('')}`))
      }
      const seen: string[] = []
      lines.on('line', (line) => {
        if (seen.length < 50) seen.push(line)
        const match = command.ready.exec(line)
        if (!match) return
        clearTimeout(deadline)
        resolve(match[1] ?? '')
      })
      exited.then(() => fail('ended before it was ready')).catch(() => {})
    })
    return new ServerProcess(child, exited, address)
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('the server has not started')
    return this.#child.pid
  }

  /** CPU time since the start, in ms, all threads. */
  async cpuMs(): Promise<number> {
    const answer = await this.#ask({ ask: 'cpu' })
    if (answer.answer !== 'cpu') throw new Error(`the probe answered ${answer.answer}`)
    return answer.cpuMs
  }

  /** Resident memory after full garbage collections. */
  async residentBytes(): Promise<number> {
    const answer = await this.#ask({ ask: 'memory' })
    if (answer.answer !== 'memory') throw new Error(`the probe answered ${answer.answer}`)
    return answer.residentBytes
  }

  async startProfile(): Promise<void> {
    await this.#ask({ ask: 'profile-start' })
  }

  async stopProfile(path: string): Promise<void> {
    await this.#ask({ ask: 'profile-stop', path })
  }

  /** kill -9. */
  async kill(): Promise<void> {
    if (this.running) this.#child.kill('SIGKILL')
    await this.#exited
  }

  /** Asks it to end, so that it stores what it has; kills it after 10 s. */
  async stop(): Promise<void> {
    if (this.running) this.#child.kill('SIGTERM')
    const late = setTimeout(() => this.#child.kill('SIGKILL'), 10_000)
    await this.#exited
    clearTimeout(late)
  }

  async #ask(question: ProbeQuestion): Promise<ProbeAnswer> {
    if (!this.running) throw new Error('the server has ended')
    const reply = new Promise<ProbeAnswer>((resolve, reject) => {
      const ended = () => reject(new Error('the server ended before it answered'))
      this.#child.once('exit', ended)
      this.#child.once('message', (answer) => {
        this.#child.off('exit', ended)
        resolve(answer as ProbeAnswer)
      })
    })
    this.#child.send(question)
    const answer = await reply
    if (answer.answer === 'failed') throw new Error(answer.message)
    return answer
  }
}
