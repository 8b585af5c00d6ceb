import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'

export type Struct = ReturnType<typeof Y.decodeUpdate>['structs'][number]
export type DeleteSet = ReturnType<typeof Y.decodeUpdate>['ds']

/** A V1 update. @param structs those of one client in order and without gaps */
export function encodeUpdate(structs: readonly Struct[], ds: Pick<DeleteSet, 'clients'>): Uint8Array {
  const encoder = new Y.UpdateEncoderV1()
  const { restEncoder } = encoder
  const clients = Map.groupBy(structs, ({ id }) => id.client)
  encoding.writeVarUint(restEncoder, clients.size)
  for (const [client, itsStructs] of clients) {
    encoding.writeVarUint(restEncoder, itsStructs.length)
    encoder.writeClient(client)
    encoding.writeVarUint(restEncoder, itsStructs[0]!.id.clock)
    for (const struct of itsStructs) struct.write(encoder, 0)
  }
  encoding.writeVarUint(restEncoder, ds.clients.size)
  for (const [client, ranges] of ds.clients) {
    encoding.writeVarUint(restEncoder, client)
    encoding.writeVarUint(restEncoder, ranges.length)
    for (const { clock, len } of ranges) {
      encoder.writeDsClock(clock)
      encoder.writeDsLen(len)
    }
  }
  return encoder.toUint8Array()
}
