import { digest } from 'lib0/hash/sha256'

/** Where everything was kept before accounts had namespaces of their own, and is still where nobody says whose it is. */
export const sharedNamespace = 'tidemark'

const bytesOfKey = 16

/**
 * An account as the names of its local databases say it: always the same for the same account, and no name in clear.
 * @param subject of its tokens. Not their issuer: the server knows people by the subject alone, and one that moves to
 *   another address must not leave behind what is on the devices.
 */
export function keyOf(subject: string): string {
  const hash = digest(new TextEncoder().encode(subject)).subarray(0, bytesOfKey)
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

export const namespaceOf = (key: string): string => `${sharedNamespace}/${key}`

/** The namespace of an account whose app names none; `subject` is the `sub` of its tokens. */
export const accountNamespace = (subject: string): string => namespaceOf(keyOf(subject))
