export { decodeAuthField } from './auth-envelope.ts'
export { type Clock, isDuration, systemClock, uniqueName } from './clock.ts'
export { isDocumentName, maxDocumentNameBytes, parseDocumentName } from './document-name.ts'
export { Emitter, reportLater } from './emitter.ts'
export {
  assertNever,
  type Consequence,
  consequenceOf,
  type ErrorCode,
  errorCodes,
  errorSentences,
  isErrorCode,
  isPersistent,
  TidemarkError,
} from './errors.ts'
export {
  type AuthEnvelope,
  authType,
  closeCode,
  decodeServerMessage,
  encodeAuthEnvelope,
  encodeServerMessage,
  errorCodeFromReason,
  messageType,
  protocolVersion,
  type ServerMessage,
  syncType,
} from './protocol.ts'
export { type EncodedState, encodeInSlices, type Pace } from './state-encoder.ts'
