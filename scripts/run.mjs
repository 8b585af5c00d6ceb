#!/usr/bin/env node
/**
 * `npm start`, `npm test`, `npm run bench|fuzz|build|lint|typecheck` all come here. Runs on Node 20 or newer with nothing
 * installed: it does its own set-up (dependencies, Node 24, the demo page, a browser) and says what it is doing.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { findChromium } from './chromium.mjs'
import { buildDemo, ensureDemo } from './demo.mjs'
import { ensureDependencies, findNode, repairPostgresBinaries } from './dependencies.mjs'
import { ensurePgbouncer } from './pgbouncer.mjs'
import { environment, root, run, say } from './processes.mjs'
import { runTests } from './tests.mjs'

const targets = {
  async start(node, args) {
    await ensureDemo(node)
    return run(node, [join('server', 'src', 'cli.ts'), 'serve', ...args], { forwardSignals: true })
  },
  async test(node, args) {
    repairPostgresBinaries(node)
    return runTests(node, args, { demo: () => ensureDemo(node), chromium: findChromium, pgbouncer: ensurePgbouncer })
  },
  async bench(node, args) {
    repairPostgresBinaries(node)
    const entry = join('test', 'bench', 'run.ts')
    if (!existsSync(join(root, entry))) throw new Error(`there is no ${entry}`)
    const env = environment({ CHROMIUM: await findChromium(node) })
    return run(node, [entry, ...args], { env, forwardSignals: true })
  },
  async fuzz(node, args) {
    repairPostgresBinaries(node)
    return run(node, [join('test', 'fuzz', 'run.ts'), ...args], { forwardSignals: true })
  },
  build: (node) => buildDemo(node),
  lint: (node, args) => run(node, [bin('@biomejs/biome/bin/biome'), 'check', '--error-on-warnings', ...args]),
  typecheck: (node, args) => run(node, [bin('typescript/bin/tsc'), '--noEmit', '-p', '.', ...args]),
}

function bin(path) {
  return join(root, 'node_modules', path)
}

async function main([name, ...args]) {
  const target = targets[name]
  if (!target) throw new Error(`say what to run: ${Object.keys(targets).join(', ')}`)
  await ensureDependencies()
  return target(findNode(), args)
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  say(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}
