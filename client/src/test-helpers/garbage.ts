/** Collects garbage at once, so that a test sees what is still held. */
export function collectGarbage(): void {
  process.getBuiltinModule('node:v8').setFlagsFromString('--expose-gc')
  ;(process.getBuiltinModule('node:vm').runInNewContext('gc') as () => void)()
}
