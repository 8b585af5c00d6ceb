import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { environment, root, run, say } from './processes.mjs'

/**
 * The whole check: types, lint, then every test; each goes on when an earlier one failed. With arguments only the
 * tests they select (`npm test -- test/e2e`). The last line is always `N passed, N failed`.
 */
export async function runTests(node, args, { demo, chromium, pgbouncer }) {
  const total = { passed: 0, failed: 0 }
  const step = async (title, action) => {
    say(`${title} …`)
    const passed = await action().catch((error) => {
      say(error.message)
      return false
    })
    total[passed ? 'passed' : 'failed'] += 1
    if (!passed) say(`${title}: failed`)
    return passed
  }
  const tool = (path, ...rest) => run(node, [join(root, 'node_modules', path), ...rest])

  const selected = args.length > 0
  if (!selected) {
    await step('type check', async () => (await tool('typescript/bin/tsc', '--noEmit', '-p', '.')) === 0)
    await step('lint', async () => (await tool('@biomejs/biome/bin/biome', 'check', '--error-on-warnings')) === 0)
  }
  const env = { TIDEMARK_NODE: node }
  if (selects(args, 'processes')) {
    await step('pgbouncer', async () => {
      await pgbouncer()
      return true
    })
  }
  if (selects(args, 'e2e')) {
    await step('demo page', async () => {
      await demo()
      return true
    })
    await step('browser', async () => {
      env.CHROMIUM = await chromium(node)
      return true
    })
  }
  say('tests …')
  const counts = await vitest(node, args, env)
  total.passed += counts.passed
  total.failed += counts.failed
  const line = `${total.passed} passed, ${total.failed} failed`
  if (process.env.TIDEMARK_COUNT_FILE) writeFileSync(process.env.TIDEMARK_COUNT_FILE, `${line}\n`)
  process.stdout.write(`\n${line}\n`)
  return total.failed > 0 ? 1 : 0
}

/** Whether the tests of this project may be among those that the arguments select; others can run without what they need. */
function selects(args, name) {
  const project = args.flatMap((arg, at) => (arg === '--project' ? [args[at + 1]] : arg.split('--project=').slice(1)))
  if (project.length > 0) return project.includes(name)
  const paths = args.filter((arg) => !arg.startsWith('-') && existsSync(join(root, arg)))
  return paths.length === 0 || paths.some((path) => path.includes(name) || path === 'test')
}

async function vitest(node, args, extra) {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-tests-'))
  const report = join(folder, 'counts.json')
  try {
    const entry = join(root, 'node_modules', 'vitest', 'vitest.mjs')
    const env = environment({ ...extra, TIDEMARK_COUNT_REPORT: report })
    const code = await run(node, [entry, 'run', ...args], { env, forwardSignals: true })
    const counts = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : { passed: 0, failed: 0 }
    // a crash, or a run without a single test, must never look like success
    if ((code !== 0 || counts.passed === 0) && counts.failed === 0) counts.failed = 1
    return counts
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
