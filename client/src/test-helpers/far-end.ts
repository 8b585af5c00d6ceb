/** A WebSocket whose far end is the test. */
export class FarEnd extends EventTarget {
  readyState = 0
  binaryType = 'blob'
  readonly sent: unknown[] = []

  open(): void {
    this.readyState = 1
    this.dispatchEvent(new Event('open'))
  }

  say(...bytes: number[]): void {
    this.dispatchEvent(new MessageEvent('message', { data: Uint8Array.from(bytes).buffer }))
  }

  break(code = 1006, reason = ''): void {
    this.readyState = 3
    this.dispatchEvent(Object.assign(new Event('close'), { code, reason }))
  }

  send(data: unknown): void {
    this.sent.push(data)
  }

  close(): void {
    this.readyState = 3
  }
}
