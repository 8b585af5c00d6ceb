import { isIP } from 'node:net'

/** Whether an address (with or without brackets) can be reached from this machine only. */
export function isLoopback(host: string): boolean {
  const address = host.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  if (address === 'localhost') return true
  return isIP(address) === 4 ? address.startsWith('127.') : address === '::1'
}

/** Whether listening on an address means listening on every interface. */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || (isIP(host) === 6 && /^[0:]+$/.test(host))
}
