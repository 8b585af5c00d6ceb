import type { ErrorCode, ServerMessage } from '@tidemark/shared'

export type Hello = Extract<ServerMessage, { tidemark: 'hello' }>

/** A Tidemark server's greeting. */
export const hello: Hello = {
  tidemark: 'hello',
  protocol: 1,
  epoch: 'e1',
  revision: 7,
  level: 'write',
  serverVersion: '0',
}

/** What a Hocuspocus hook throws to refuse with a reason. */
export function refusal(reason: ErrorCode): Error {
  return Object.assign(new Error(reason), { reason })
}
