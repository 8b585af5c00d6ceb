import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'

/** Groups run one after the other, so that timing in one kind of test is not disturbed by the load of another. */
function project(
  name: string,
  group: number,
  include: string[],
  options: TestProjectInlineConfiguration['test'] = {},
): TestProjectInlineConfiguration {
  return {
    extends: true,
    test: { name, include, sequence: { groupOrder: group }, ...options },
  }
}

const postgres = { globalSetup: ['test/helpers/global-postgres.ts'] }
const seconds = 1000

export default defineConfig({
  test: {
    pool: 'forks',
    testTimeout: 10 * seconds,
    hookTimeout: 60 * seconds,
    teardownTimeout: 20 * seconds,
    maxWorkers: 2,
    reporters: ['default', './scripts/count-reporter.mjs'],
    projects: [
      // without a database: whoever works on the client should not wait for one
      project('unit', 0, ['{shared,client}/src/**/*.test.ts', 'client/demo/*.test.ts', 'test/bench/*.test.ts']),
      project('server', 0, ['server/src/**/*.test.ts'], postgres),
      project('integration', 1, ['test/{integration,compat}/**/*.test.ts'], {
        ...postgres,
        testTimeout: 30 * seconds,
      }),
      project('simulation', 2, ['test/simulation/**/*.test.ts'], { ...postgres, testTimeout: 120 * seconds }),
      project('fuzz', 2, ['test/fuzz/**/*.test.ts'], { ...postgres, testTimeout: 120 * seconds }),
      project('processes', 3, ['test/processes/**/*.test.ts'], { ...postgres, testTimeout: 120 * seconds }),
      project('e2e', 4, ['test/e2e/**/*.test.ts'], { ...postgres, testTimeout: 60 * seconds }),
    ],
  },
})
