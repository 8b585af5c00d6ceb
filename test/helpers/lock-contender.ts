import { TidemarkError } from '@tidemark/shared'
import { type FolderLock, lockFolder } from '../../server/src/database/folder-lock.ts'

/** A process that locks a folder when it is told to, at the very millisecond it is told. */
export type Order = { do: 'lock'; folder: string; at: number } | { do: 'release' }
export type Answer = 'ready' | 'locked' | 'released' | { refused: string }

let lock: FolderLock | null = null
const answer = (message: Answer): void => void process.send?.(message)

process.on('message', (order: Order) => {
  if (order.do === 'release') {
    lock?.release()
    lock = null
    return answer('released')
  }
  while (Date.now() < order.at);
  try {
    lock = lockFolder(order.folder)
    answer('locked')
  } catch (error) {
    answer({ refused: error instanceof TidemarkError ? error.code : String(error) })
  }
})
process.on('disconnect', () => process.exit())
answer('ready')
