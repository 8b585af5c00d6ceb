import * as Y from 'yjs'

/** A document whose next deletion cuts short the end of its transaction, inside of Yjs: it is broken then. */
export function fragileDoc(): Y.Doc {
  return new Y.Doc({
    gcFilter: () => {
      throw new RangeError('Maximum call stack size exceeded')
    },
  })
}
