import type { Clock } from '@tidemark/shared'
import { Election } from './election.ts'
import type { Said } from './exchange.ts'
import { type Fitness, outranks } from './fitness.ts'
import { Vigil } from './vigil.ts'
import type { Locks, Page } from './world.ts'

export interface LeadershipMeans {
  readonly clock: Clock
  readonly locks: Locks
  readonly page: Page
  readonly say: (message: Said) => void
  /** This tab leads from now on. */
  readonly won: () => void
  readonly lost: () => void
  /** This tab was stopped and goes on, without leading. */
  readonly resumed: () => void
}

/** ms a hidden leader that made way waits to be followed. */
const yieldTime = 1_000

/**
 * Which tab leads (D1.4): whoever holds the lock; one that can lead better takes over by agreement, and any tab takes
 * over from one that does not answer.
 */
export class Leadership {
  readonly #means: LeadershipMeans
  readonly #election: Election
  readonly #vigil: Vigil
  /** The opening that leads, as far as this tab knows; null when it is this one, or not known. */
  #leader: string | null = null
  #leaderFitness: Fitness | null = null
  #isHelpless = false
  #isStopped = false
  #cancelWay: (() => void) | null = null
  #stopListening: () => void = () => {}

  constructor(name: string, means: LeadershipMeans) {
    this.#means = means
    this.#election = new Election(name, means.locks, {
      won: () => {
        this.#leader = this.#leaderFitness = null
        this.#vigil.stop()
        means.won()
      },
      lost: () => {
        if (!this.#isStopped) this.#vigil.start()
        means.lost()
      },
    })
    this.#vigil = new Vigil(means.clock, {
      ask: () => means.say({ type: 'ping' }),
      silent: () => this.#election.takeOver(),
    })
  }

  get isLeader(): boolean {
    return this.#election.isLeader
  }

  get leader(): string | null {
    return this.#leader
  }

  get fitness(): Fitness {
    return { isVisible: this.#means.page.isVisible, isHelpless: this.#isHelpless }
  }

  /** Whether only a person can help this tab's sessions on. Others get to know of it, and try themselves. */
  setHelpless(isHelpless: boolean): void {
    if (this.#isHelpless === isHelpless) return
    this.#isHelpless = isHelpless
    if (this.isLeader) this.#sayBeat()
    else this.#claim()
  }

  /** @returns settles when it is known whether this tab leads now */
  async start(): Promise<void> {
    this.#stopListening = this.#means.page.listen({
      visibilityChanged: () => this.#visibilityChanged(),
      stopping: () => this.#election.withdraw(),
      resumed: () => void this.#resume(),
    })
    await this.#stand()
  }

  stop(): void {
    this.#isStopped = true
    this.#stopListening()
    this.#election.withdraw()
    this.#vigil.stop()
    this.#cancelWay?.()
    this.#leader = this.#leaderFitness = null
  }

  /** Any word of the leader says that it is there. */
  heard(from: string): void {
    if (from === this.#leader) this.#vigil.heard()
  }

  /** Somebody speaks as the leader. @returns whether that is news */
  hearLeader(from: string, fitness: Fitness): boolean {
    if (this.isLeader) return false
    const isNew = this.#leader !== from
    this.#leader = from
    this.#leaderFitness = fitness
    this.#vigil.heard()
    this.#claim()
    return isNew
  }

  hearClaim(from: string, fitness: Fitness): void {
    if (!this.isLeader || !outranks(fitness, this.fitness)) return
    this.#election.makeWay()
    this.#means.say({ type: 'yield', to: from })
    // should the other one have gone meanwhile
    this.#cancelWay ??= this.#means.clock.after(yieldTime, () => {
      this.#cancelWay = null
      if (this.isLeader || this.#isStopped) return
      this.#election.withdraw()
      void this.#election.stand()
    })
  }

  hearYield(): void {
    this.#election.takeOver()
  }

  hearPing(): void {
    if (this.isLeader) this.#sayBeat()
  }

  hearBye(from: string): void {
    if (from === this.#leader) this.#leader = this.#leaderFitness = null
  }

  async #stand(): Promise<void> {
    await this.#election.stand()
    if (this.isLeader || this.#isStopped) return
    this.#vigil.start()
    this.#claim()
  }

  async #resume(): Promise<void> {
    await this.#stand()
    if (!this.isLeader && !this.#isStopped) this.#means.resumed()
  }

  #visibilityChanged(): void {
    // a leader that is hidden now says so, and whoever is visible claims
    if (this.isLeader) this.#sayBeat()
    else this.#claim()
  }

  #claim(): void {
    const { fitness } = this
    const isBetter = this.#leaderFitness ? outranks(fitness, this.#leaderFitness) : fitness.isVisible
    if (isBetter) this.#means.say({ type: 'claim', fitness })
  }

  #sayBeat(): void {
    this.#means.say({ type: 'beat', fitness: this.fitness })
  }
}
