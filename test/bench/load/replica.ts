import { HocuspocusProvider, HocuspocusProviderWebsocket } from '@hocuspocus/provider'
import WebSocket from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'

/** Whose provider speaks; both are the unmodified packages. */
export type Protocol = 'hocuspocus' | 'y-websocket'

/** A document opened by a real provider on a socket of its own, as one person's tab does it. */
export interface Replica {
  readonly doc: Y.Doc
  /** The first handshake is over, and so is the answer to what it carried. */
  readonly whenSynced: Promise<void>
  /**
   * Calls back once for each acknowledged sync message from then on, until the socket is lost (what a provider counts
   * after that is a new session's). Never with y-websocket, which has no acks.
   */
  onAck(listener: () => void): void
  /** The socket was lost at least once. */
  readonly lost: boolean
  close(): void
}

export function openReplica(protocol: Protocol, url: string, name: string): Replica {
  switch (protocol) {
    case 'hocuspocus':
      return openHocuspocus(url, name)
    case 'y-websocket':
      return openYWebsocket(url, name)
  }
}

function openHocuspocus(url: string, name: string): Replica {
  const doc = new Y.Doc()
  const socket = new HocuspocusProviderWebsocket({ url, WebSocketPolyfill: WebSocket })
  const provider = new HocuspocusProvider({ websocketProvider: socket, name, document: doc, token: 'bench' })
  const whenSynced = new Promise<void>((resolve, reject) => {
    const deadline = setTimeout(
      () => reject(new Error(`${name}: not synced after 30 s (${provider.unsyncedChanges} unacknowledged)`)),
      30_000,
    )
    const check = () => {
      if (!provider.isAuthenticated || !provider.isSynced || provider.unsyncedChanges > 0) return
      clearTimeout(deadline)
      provider.off('synced', check)
      provider.off('unsyncedChanges', check)
      resolve()
    }
    provider.on('synced', check)
    provider.on('unsyncedChanges', check)
    provider.on('authenticationFailed', ({ reason }: { reason: string }) => {
      clearTimeout(deadline)
      reject(new Error(`${name} was refused: ${reason}`))
    })
  })
  let lost = false
  socket.on('close', () => (lost = true))
  // The provider connects by itself, but attaches to a socket it did not make only when told to.
  provider.attach()
  return {
    doc,
    whenSynced,
    onAck(listener) {
      let before = provider.unsyncedChanges
      provider.on('unsyncedChanges', ({ number }: { number: number }) => {
        if (number < before && !lost) listener()
        before = number
      })
    },
    get lost() {
      return lost
    },
    close() {
      provider.destroy()
      socket.destroy()
      doc.destroy()
    },
  }
}

function openYWebsocket(url: string, name: string): Replica {
  const doc = new Y.Doc()
  const provider = new WebsocketProvider(url, name, doc, {
    WebSocketPolyfill: WebSocket as unknown as typeof globalThis.WebSocket,
    // The reader in this same process must get its updates from the server, not past it.
    disableBc: true,
  })
  const whenSynced = new Promise<void>((resolve, reject) => {
    const deadline = setTimeout(() => reject(new Error(`${name}: not synced after 30 s`)), 30_000)
    provider.once('sync', () => {
      clearTimeout(deadline)
      resolve()
    })
  })
  let lost = false
  provider.on('connection-close', () => (lost = true))
  return {
    doc,
    whenSynced,
    onAck() {},
    get lost() {
      return lost
    },
    close() {
      provider.destroy()
      doc.destroy()
    },
  }
}
