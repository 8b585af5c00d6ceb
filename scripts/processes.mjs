import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Says what the set-up is doing, on stderr, so that stdout belongs to the program that runs. */
export function say(message) {
  process.stderr.write(`tidemark: ${message}\n`)
}

/**
 * The environment of what we start: it and its children find Node 24 and the tools of this checkout first, and keep
 * what they compile, which is half of the time in which a server starts.
 */
export function environment(extra = {}) {
  const PATH = join(root, 'node_modules', '.bin') + delimiter + process.env.PATH
  const NODE_COMPILE_CACHE = join(root, 'node_modules', '.cache', 'node')
  return { NODE_COMPILE_CACHE, ...process.env, PATH, ...extra }
}

/** Two deliveries of one Ctrl-C (from the terminal and from npm) are one signal, not the second one that forces. */
const sameSignalWithin = 500

/**
 * Runs a program in the repository's root with our terminal and resolves with its exit code (128 + n for a signal).
 * With `forwardSignals` the program has its own process group, and only we hand signals on to it.
 */
export function run(command, args, { forwardSignals = false, env = environment(), cwd = root } = {}) {
  return new Promise((resolve, reject) => {
    const detached = forwardSignals && process.platform !== 'win32'
    const child = spawn(command, args, { cwd, env, stdio: 'inherit', detached })
    const stopForwarding = forwardTo(child)
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      stopForwarding()
      resolve(code ?? 128 + (constants.signals[signal] ?? 0))
    })
  })
}

function forwardTo(child) {
  let last = { signal: '', at: 0 }
  const forward = (signal) => {
    const now = Date.now()
    if (last.signal === signal && now - last.at < sameSignalWithin) return
    last = { signal, at: now }
    child.kill(signal === 'SIGHUP' ? 'SIGTERM' : signal)
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.on(signal, forward)
  return () => {
    for (const signal of signals) process.off(signal, forward)
  }
}

/** Runs a program quietly. @returns its exit code and everything it wrote */
export function capture(command, args, { env = process.env, cwd = root } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    child.stdout.on('data', (chunk) => (output += chunk))
    child.stderr.on('data', (chunk) => (output += chunk))
    child.once('error', (error) => resolve({ code: 127, output: String(error) }))
    child.once('close', (code) => resolve({ code: code ?? 1, output }))
  })
}
