import { writeFileSync } from 'node:fs'

/**
 * Counts what Vitest ran, for the last line of `npm test`. A test file that could not be loaded, and an error outside
 * any test, are failures too; a skipped test is counted as failed in CI, where nothing may be left out silently.
 */
export default class CountReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 }
    for (const module of modules) {
      if (module.errors().length > 0) counts.failed += 1
      for (const suite of module.children.allSuites()) if (suite.errors().length > 0) counts.failed += 1
      for (const test of module.children.allTests()) counts[outcome(test.result().state)] += 1
    }
    if (process.env.CI) counts.failed += counts.skipped
    if (counts.skipped > 0) console.log(`${counts.skipped} tests were skipped`)
    if (process.env.TIDEMARK_COUNT_REPORT) writeFileSync(process.env.TIDEMARK_COUNT_REPORT, JSON.stringify(counts))
  }
}

function outcome(state) {
  if (state === 'passed' || state === 'failed') return state
  // a test that never ran because the run was cut short
  return state === 'pending' ? 'failed' : 'skipped'
}
