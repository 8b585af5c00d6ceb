import { TidemarkError } from '@tidemark/shared'

/**
 * Loads what only some need. After a redeploy it may be gone from the app's server.
 * @throws {TidemarkError} `page-outdated`
 */
export async function loadPart<Part>(load: () => Promise<Part>): Promise<Part> {
  try {
    return await load()
  } catch (cause) {
    throw new TidemarkError('page-outdated', undefined, { cause })
  }
}
