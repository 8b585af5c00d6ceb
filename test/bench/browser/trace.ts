import type { Device } from '../../helpers/device.ts'
import type { Tab } from '../../helpers/tab.ts'

/** A task of a tab's main thread: nothing else runs there meanwhile, no key is heard, no frame is drawn. */
export interface Task {
  /** ms */
  readonly wall: number
  /** ms that the thread had a CPU; the rest it waited for one. */
  readonly cpu: number
}

interface TraceEvent {
  readonly name: string
  readonly ph: string
  readonly pid: number
  readonly tid: number
  readonly ts: number
  readonly dur?: number
  readonly tdur?: number
}

const categories = ['disabled-by-default-devtools.timeline', 'blink.user_timing']

/** The tasks of a tab's main thread while `act` is under way, longest first, from Chromium's own trace. */
export async function tasksOf(device: Device, tab: Tab, act: () => Promise<void>): Promise<Task[]> {
  const events: TraceEvent[] = []
  const collect = ({ value }: { value: unknown }) => events.push(...(value as TraceEvent[]))
  const { devtools } = device
  devtools.on('Tracing.dataCollected', collect as never)
  await devtools.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { excludedCategories: ['*'], includedCategories: categories },
  })
  const mark = (name: string) => tab.page.evaluate((name) => void performance.mark(name), name)
  await mark('bench-begin')
  await act()
  await mark('bench-end')
  const complete = new Promise<void>((resolve) => devtools.once('Tracing.tracingComplete', () => resolve()))
  await devtools.send('Tracing.end')
  await complete
  devtools.off('Tracing.dataCollected', collect as never)
  return longestFirst(events)
}

function longestFirst(events: readonly TraceEvent[]): Task[] {
  const begin = events.find(({ name }) => name === 'bench-begin')
  const end = events.find(({ name }) => name === 'bench-end')
  if (!begin || !end) throw new Error('the trace lacks the marks of the tab')
  return events
    .filter(({ name, pid, tid }) => name === 'RunTask' && pid === begin.pid && tid === begin.tid)
    .filter(({ ts, dur = 0 }) => ts > begin.ts && ts + dur < end.ts)
    .map(({ dur = 0, tdur = 0 }) => ({ wall: dur / 1000, cpu: tdur / 1000 }))
    .sort((a, b) => b.wall - a.wall)
}
