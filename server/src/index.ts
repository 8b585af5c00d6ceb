export { signToken } from './auth/sign-token.ts'
export { type Config, parseConfig } from './config.ts'
export { createLog, type Log } from './log.ts'
export { type RunningServer, startServer } from './server.ts'
