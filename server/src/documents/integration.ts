import * as Y from 'yjs'
import { settle } from './conflicts.ts'
import { takeRest } from './rests.ts'

/** Has Yjs (13.6) bring items into documents with care for what strangers may have written; once for this process. */
export function integrateWithCare(): void {
  const prototype = Y.Item.prototype
  if (prototype.integrate !== original) return
  prototype.integrate = function (this: Y.Item, transaction: Y.Transaction, known: number): void {
    if (known > 0) takeRest(this, transaction, known)
    if (this.parent) settle(this, transaction)
    original.call(this, transaction, 0)
  }
}

const original = Y.Item.prototype.integrate
