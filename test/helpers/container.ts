import { execFileSync } from 'node:child_process'

/** Gives a process numbers of its own, as a container does: it sees itself as number 1, and nobody outside. */
export const container = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'] as const

/** @throws in CI where there is none: what two containers do to each other must not go untested there */
export function hasContainers(): boolean {
  try {
    execFileSync(container[0], [...container.slice(1), 'true'], { stdio: 'pipe' })
    return true
  } catch (error) {
    if (process.env.CI)
      throw new Error('unshare must be permitted: two containers are tested with it', { cause: error })
    console.warn('NOT TESTED HERE: two containers on one data folder, because unshare is missing or not permitted')
    return false
  }
}
