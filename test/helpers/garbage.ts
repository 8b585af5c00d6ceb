/** Collects garbage at once: a test sees what is still held, or measures without it. */
export function collectGarbage(): void {
  process.getBuiltinModule('node:v8').setFlagsFromString('--expose-gc')
  ;(process.getBuiltinModule('node:vm').runInNewContext('gc') as () => void)()
}
