import { count, type Findings } from './findings.ts'

export type Kind = 'simulated' | 'served'

/** What a run has come to so far. */
export class Totals {
  failures = 0
  readonly #rounds = new Map<Kind, Findings[]>([
    ['simulated', []],
    ['served', []],
  ])
  readonly #refusals = new Map<string, number>()

  add(kind: Kind, findings: Findings): void {
    this.#rounds.get(kind)?.push({ ...findings, refusals: new Map() })
    for (const [code, times] of findings.refusals) count(this.#refusals, code, times)
    if (findings.complaints.length > 0) this.failures += 1
  }

  /** In a line. */
  get line(): string {
    return [...this.#rounds].map(([kind, rounds]) => `${kind}: ${framesOf(rounds)}`).join(' · ')
  }

  get report(): string {
    const refusals = [...this.#refusals].sort(([, one], [, other]) => other - one)
    return [
      ...[...this.#rounds].map(([kind, rounds]) => `${kind}: ${framesOf(rounds)}${figuresOf(kind, rounds)}`),
      `refused: ${refusals.map(([code, times]) => `${code} ${times.toLocaleString('en')}`).join(', ')}`,
      `rounds in which a promise was not kept: ${this.failures}`,
    ].join('\n')
  }
}

function framesOf(rounds: readonly Findings[]): string {
  const sum = (of: (round: Findings) => number) => rounds.reduce((total, round) => total + of(round), 0)
  const [sent, seconds] = [sum(({ sent }) => sent), sum(({ seconds }) => seconds)]
  const rate = seconds > 0 ? `, ${Math.round(sent / seconds)}/s` : ''
  const acknowledged = sum((round) => round.acknowledged).toLocaleString('en')
  return `${sent.toLocaleString('en')} frames in ${rounds.length} rounds${rate}, ${acknowledged} honest edits acknowledged`
}

function figuresOf(kind: Kind, rounds: readonly Findings[]): string {
  const most = (of: (round: Findings) => number) =>
    Math.round(rounds.reduce((top, round) => Math.max(top, of(round)), 0))
  const ack = `longest ack ${most(({ longestAck }) => longestAck)} ms${kind === 'simulated' ? ' (simulated)' : ''}`
  const still = `longest standstill ${most(({ longestStandstill }) => longestStandstill)} ms`
  const memory = kind === 'served' ? `, memory + ${most(({ grownBy }) => grownBy ?? 0)} MiB` : ''
  return `; ${ack}, ${still}${memory}`
}
