import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const pageBytes = Number(execFileSync('getconf', ['PAGESIZE'], { encoding: 'utf8' }))
const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/** What a process has taken up to now (Linux): CPU time, which a busy machine does not lengthen, and memory. */
export function processCost(pid: number): { cpuMs: number; residentBytes: number } {
  // the name of the program, in brackets, may hold anything
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
  const [user, system, pages] = [fields[11], fields[12], fields[21]].map(Number) as [number, number, number]
  return { cpuMs: ((user + system) * 1000) / ticksPerSecond, residentBytes: pages * pageBytes }
}
