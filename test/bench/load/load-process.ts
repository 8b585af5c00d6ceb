import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { JobName, JobReply, JobRequest, Jobs } from './jobs.ts'

const worker = fileURLToPath(new URL('./worker.ts', import.meta.url))

/** The process in which the people live; one for each server that is started, so that none inherits a warm one. */
export class LoadProcess {
  readonly #child: ChildProcess = fork(worker, { execArgv: ['--max-old-space-size=8192', '--max-semi-space-size=64'] })
  readonly #exited = once(this.#child, 'exit')

  async do<Name extends JobName>(job: Name, order: Jobs[Name]['order']): Promise<Jobs[Name]['result']> {
    const reply = new Promise<JobReply>((resolve, reject) => {
      const ended = () => reject(new Error(`the load process ended during ${job}`))
      this.#child.once('exit', ended)
      this.#child.once('message', (message) => {
        this.#child.off('exit', ended)
        resolve(message as JobReply)
      })
    })
    this.#child.send({ job, order } as JobRequest)
    const answer = await reply
    if (!answer.ok) throw new Error(`${job}: ${answer.message}`)
    return answer.result as Jobs[Name]['result']
  }

  async end(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGKILL')
    await this.#exited
  }
}
