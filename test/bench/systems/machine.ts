import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'

/** CPU time in ms that all processes of the machine have used since it started. `null` where /proc does not exist. */
export function machineCpuMs(): number | null {
  try {
    const [, ...ticks] = readFileSync('/proc/stat', 'utf8').split('\n')[0]!.split(/ +/)
    const [user, nice, system, , , irq, softirq] = ticks.map(Number)
    return (user! + nice! + system! + irq! + softirq!) * 10
  } catch {
    return null
  }
}

/**
 * Waits for a second in which the machine does next to nothing, so that a window is not spoilt by whatever else runs.
 * Gives up after `timeoutMs`: what the others used within the window is reported beside the figures.
 */
export async function whenQuiet(timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (performance.now() < deadline) {
    const before = machineCpuMs()
    await new Promise((resolve) => setTimeout(resolve, 1000))
    const after = machineCpuMs()
    if (before === null || after === null || after - before < 0.1 * cpus().length * 1000) return
  }
}
