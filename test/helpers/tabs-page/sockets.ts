const made = new Set<WebSocket>()

/** The browser's, counted, whoever opens them. */
class CountedWebSocket extends WebSocket {
  constructor(...address: ConstructorParameters<typeof WebSocket>) {
    super(...address)
    made.add(this)
    this.addEventListener('close', () => made.delete(this))
  }
}

globalThis.WebSocket = CountedWebSocket

/** How many sockets this tab has open, or is opening; one that it has closed waits for a far end that may be gone. */
export const openSockets = (): number => [...made].filter(({ readyState }) => readyState <= WebSocket.OPEN).length
