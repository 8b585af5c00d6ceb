import { authType, decodeServerMessage, encodeAuthEnvelope, messageType, syncType } from '@tidemark/shared'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'
import { frame, read, type Said } from '../../helpers/raw-client.ts'
import { unitsOf } from '../world/coverage.ts'
import { contentsOf } from './held.ts'
import type { Node } from './node.ts'
import { end, type Replica, replicaOf } from './replica.ts'
import type { SimulatedSocket } from './socket.ts'
import type { DocumentName } from './steps.ts'
import type { WriterEvents, WriterWorld } from './surroundings.ts'

/** Somebody whose client does what the protocol says: it comes back after each close, and its handshake brings what it has. */
export class Writer {
  readonly name: string
  readonly kind: 'tidemark' | 'stock'
  readonly replicas = new Map<DocumentName, Replica>()
  /** Which node it goes to next. */
  place: number
  isHere = true
  readonly #world: WriterWorld
  readonly #events: WriterEvents
  #socket: SimulatedSocket | null = null
  #sockets = 0
  #node: Node | null = null
  #isComingBack = false
  #values = 0

  constructor(
    who: { readonly number: number; readonly kind: Writer['kind'] },
    world: WriterWorld,
    events: WriterEvents,
  ) {
    this.name = `${who.kind} writer ${who.number}`
    this.kind = who.kind
    this.place = who.number
    this.#world = world
    this.#events = events
  }

  /** Its line passes nothing, and it has not noticed yet; or its server reads nothing more, because it stops. */
  get isDeaf(): boolean {
    return this.#socket !== null && (this.#socket.isDead || this.#node?.state !== 'running')
  }

  replica(name: DocumentName): Replica {
    let replica = this.replicas.get(name)
    if (!replica) {
      replica = replicaOf(name, this.#newDoc(name))
      this.replicas.set(name, replica)
    }
    return replica
  }

  open(name: DocumentName): void {
    this.replica(name).isWanted = true
    this.connect()
    this.#openSessions()
  }

  close(name: DocumentName): void {
    const replica = this.replica(name)
    replica.isWanted = false
    if (replica.session === 'open') this.#endSession(replica)
  }

  change(name: DocumentName, change: (doc: Y.Doc, value: string) => void, isSent = true): void {
    const { doc } = this.replica(name)
    const send = this.#isSending
    this.#isSending = isSent
    doc.transact(() => change(doc, `${this.name} ${++this.#values} `), this)
    this.#isSending = send
  }
  #isSending = true

  /** Something that no server can understand; a refusal of it says nothing of the edits around it. */
  writeNonsense(name: DocumentName): void {
    const replica = this.replica(name)
    if (replica.session !== 'open') return
    replica.writes.push({ units: [], contents: [], sentAt: this.#world.timeline.time, isNonsense: true })
    this.#sync(replica, syncType.update, Uint8Array.of(9, 9, 9, 9))
  }

  connect(): void {
    if (this.#socket || !this.isHere) return
    const number = ++this.#sockets
    const isCurrent = () => this.#sockets === number
    this.#node = this.#world.node(this.place)
    const socket = this.#node?.connect({
      received: (bytes) => {
        if (isCurrent() && this.#socket) this.#received(bytes)
      },
      closed: () => {
        if (isCurrent()) this.#lost()
      },
    })
    if (!socket) {
      this.place += 1
      this.#comeBack()
      return
    }
    this.#socket = socket
    this.#openSessions()
  }

  /** Its line breaks, and it notices. */
  cut(): void {
    this.#socket?.drop()
    if (this.#socket) this.#lost()
  }

  /** Its line is dead, and it notices after a while, as by a heartbeat. */
  loseLine(): void {
    const socket = this.#socket
    if (!socket) return
    socket.isDead = true
    this.#world.timeline.effectAt(this.#world.timeline.time + 20_000, () => {
      if (this.#socket === socket) this.cut()
    })
  }

  leave(): void {
    this.isHere = false
    this.cut()
  }

  #lost(): void {
    this.#sockets += 1
    this.#socket = null
    for (const replica of this.replicas.values()) end(replica)
    this.#comeBack()
  }

  #comeBack(): void {
    if (this.#isComingBack) return
    this.#isComingBack = true
    const { timeline, random } = this.#world
    timeline.after(random.int(20, 800), () => {
      this.#isComingBack = false
      this.connect()
    })
  }

  #openSessions(): void {
    if (!this.#socket) return
    for (const replica of this.replicas.values()) {
      if (!replica.isWanted || replica.session !== 'closed') continue
      replica.session = 'authenticating'
      replica.isToldAway = false
      const epoch = replica.epoch === null ? {} : { epoch: replica.epoch }
      const token = this.kind === 'tidemark' ? encodeAuthEnvelope({ protocol: 1, token: 'x', ...epoch }) : 'x'
      this.#say(replica, (encoder) => {
        encoding.writeVarUint(encoder, messageType.auth)
        encoding.writeVarUint(encoder, authType.token)
        encoding.writeVarString(encoder, token)
        encoding.writeVarString(encoder, 'simulated')
      })
    }
  }

  /** What is under way belongs to the old session still: the next one begins when the server has closed this one. */
  #endSession(replica: Replica): void {
    this.#say(replica, (encoder) => encoding.writeVarUint(encoder, messageType.close))
    end(replica)
    replica.session = 'closing'
  }

  #received(bytes: Uint8Array): void {
    const replica = this.#replicaOf(bytes)
    if (!replica || replica.session === 'closed') return
    const said = read(bytes)
    if (replica.session === 'closing' && said.kind !== 'closed' && said.kind !== 'denied') return
    if (said.kind !== 'sync' || said.type === syncType.step1) replica.answeredAt = this.#world.timeline.time
    switch (said.kind) {
      case 'authenticated':
        replica.session = 'open'
        replica.openedAt = this.#world.timeline.time
        if (replica.isWanted) this.#sync(replica, syncType.step1, Y.encodeStateVector(replica.doc))
        else this.#endSession(replica)
        return
      case 'denied':
        end(replica)
        if (said.reason === 'epoch-mismatch') this.#setAside(replica)
        this.#openLater()
        return
      case 'closed':
        end(replica)
        this.#openLater()
        return
      case 'sync':
        this.#synced(replica, said)
        return
      case 'status':
        this.#answered(replica, said.saved)
        return
      case 'stateless':
        this.#told(replica, said.payload)
        return
    }
  }

  #replicaOf(bytes: Uint8Array): Replica | null {
    if (bytes.byteLength < 2) return null
    const address = decoding.readVarString(decoding.createDecoder(bytes))
    return this.replicas.get(address as DocumentName) ?? null
  }

  #openLater(): void {
    this.#world.timeline.after(this.#world.random.int(200, 1_500), () => this.#openSessions())
  }

  #synced(replica: Replica, { type, payload }: Extract<Said, { kind: 'sync' }>): void {
    if (type === syncType.step1) {
      for (const edit of replica.edits) edit.isSaid = true
      replica.isComplete = true
      this.#write(replica, syncType.step2, Y.encodeStateAsUpdate(replica.doc, payload))
    } else {
      Y.applyUpdate(replica.doc, payload, 'server')
    }
  }

  #answered(replica: Replica, isSaved: boolean): void {
    const write = replica.writes.shift()
    if (!write) this.#events.trouble(`[R1.2] ${this.name} got an answer in ${replica.name} to nothing that it wrote`)
    else if (write.isNonsense) {
      if (isSaved)
        this.#events.trouble(`[R1.2] ${this.name} got another answer in ${replica.name} where a refusal was due`)
    } else if (isSaved) this.#events.acknowledged(this, replica, write)
    else this.#events.refused(this, replica, write)
    if (replica.isComplete && replica.writes.length === 0) this.#events.saved(this, replica)
  }

  #told(replica: Replica, payload: string): void {
    const message = decodeServerMessage(payload)
    if (message?.tidemark === 'hello') replica.epoch = message.epoch ?? null
    else if (message?.tidemark === 'recovered') replica.isToldAway = false
    else if (message?.tidemark === 'error') {
      replica.lastError = message.code
      if (message.code === 'storage-unavailable') replica.isToldAway = true
    }
  }

  /** Another history: what it has stays with it, and it begins anew (R9). */
  #setAside(replica: Replica): void {
    replica.doc.destroy()
    replica.doc = this.#newDoc(replica.name)
    replica.epoch = null
    replica.edits = []
  }

  #newDoc(name: DocumentName): Y.Doc {
    const doc = new Y.Doc()
    doc.clientID = this.#world.random.int(1, 2 ** 31)
    doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== this) return
      const replica = this.replica(name)
      const isSaid = replica.session === 'open' && this.#isSending
      replica.edits.push({ units: unitsOf(update), isSaid })
      if (isSaid) this.#write(replica, syncType.update, update)
    })
    return doc
  }

  #write(replica: Replica, type: number, update: Uint8Array): void {
    const write = { units: unitsOf(update), contents: contentsOf(update), sentAt: this.#world.timeline.time }
    replica.writes.push(write)
    this.#events.wrote(replica, write)
    this.#sync(replica, type, update)
  }

  sayAll(): void {
    for (const replica of this.replicas.values()) {
      if (replica.session !== 'open') continue
      for (const edit of replica.edits) edit.isSaid = true
      this.#write(replica, syncType.update, Y.encodeStateAsUpdate(replica.doc))
    }
  }

  #sync(replica: Replica, type: number, payload: Uint8Array): void {
    this.#say(replica, (encoder) => {
      encoding.writeVarUint(encoder, messageType.sync)
      encoding.writeVarUint(encoder, type)
      encoding.writeVarUint8Array(encoder, payload)
    })
  }

  #say({ name }: Replica, write: (encoder: encoding.Encoder) => void): void {
    this.#socket?.send(frame(name, write))
  }
}
