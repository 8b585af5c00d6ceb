const open = new Set<WebSocket>()

/** The browser's, counted, whoever opens them. */
class CountedWebSocket extends WebSocket {
  constructor(...address: ConstructorParameters<typeof WebSocket>) {
    super(...address)
    open.add(this)
    this.addEventListener('close', () => open.delete(this))
  }
}

globalThis.WebSocket = CountedWebSocket

/** How many sockets this tab has open, or is opening, at the moment. */
export const openSockets = (): number => open.size
