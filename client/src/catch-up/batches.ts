/** How soon a document is seen to: 0 critical, 1 high, 2 normal. */
export type Priority = 0 | 1 | 2

export interface Due {
  readonly name: string
  readonly priority: Priority
}

const sizes = [10, 50, 100] as const

/** The most urgent first; those alike in the order in which they came. */
export function inOrder(documents: readonly Due[]): Due[] {
  return [...documents].sort((a, b) => a.priority - b.priority)
}

/** How many documents catch up together (D3.3): more each time that all of them did, few again when one did not. */
export function nextSize(size: number, didAllSucceed: boolean): number {
  if (!didAllSucceed) return sizes[0]
  return sizes.find((larger) => larger > size) ?? sizes.at(-1)!
}

export const firstSize: number = sizes[0]
