import type { IncomingMessage } from 'node:http'
import { BlockList, isIP, type Socket } from 'node:net'

/**
 * Where a request comes from. Behind a proxy that is trusted it is the last address in `X-Forwarded-For` that is no trusted
 * proxy's: those before it are what the client itself may have written.
 * @param trustedProxies addresses, or networks such as `10.0.0.0/8`
 */
export function createClientAddress(
  trustedProxies: readonly string[],
): (request: Pick<IncomingMessage, 'socket' | 'headers'>) => string {
  const isTrusted = trusting(trustedProxies)
  return ({ socket, headers }) => {
    let address = bare(socket.remoteAddress ?? '')
    let hops = [headers['x-forwarded-for'] ?? ''].flat().join(',')
    // only as far as it is believed: a stranger's may be thousands
    while (isIP(address) !== 0 && isTrusted(address)) {
      const at = hops.lastIndexOf(',')
      const next = bare(hops.slice(at + 1))
      hops = hops.slice(0, Math.max(0, at))
      if (isIP(next) === 0) break
      address = next
    }
    return networkOf(address)
  }
}

/**
 * Where a connection comes from that has said nothing yet.
 * @returns for a connection, its address; null for one of a trusted proxy, which may be anybody's
 */
export function createConnectionAddress(
  trustedProxies: readonly string[],
): (socket: Pick<Socket, 'remoteAddress'>) => string | null {
  const isTrusted = trusting(trustedProxies)
  return ({ remoteAddress }) => {
    const address = bare(remoteAddress ?? '')
    return isIP(address) !== 0 && isTrusted(address) ? null : networkOf(address)
  }
}

function trusting(trustedProxies: readonly string[]): (address: string) => boolean {
  const trusted = new BlockList()
  for (const entry of trustedProxies) {
    const [network = '', bits] = entry.split('/')
    const kind = isIP(network) === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) trusted.addAddress(network, kind)
    else trusted.addSubnet(network, Number(bits), kind)
  }
  return (address) => trusted.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

/** Without a port, brackets, or the prefix of an IPv4 address on an IPv6 socket. */
function bare(text: string): string {
  const trimmed = text.trim()
  const [, bracketed, dotted] = /^\[([^\]]+)\](?::\d+)?$|^([\d.]+):\d+$/.exec(trimmed) ?? []
  return (bracketed ?? dotted ?? trimmed).replace(/^::ffff:(?=[\d.]+$)/i, '').replace(/%.*$/, '')
}

/** Of IPv6 everybody has a network of their own, 2^64 addresses: it counts as one. */
function networkOf(address: string): string {
  if (isIP(address) !== 6) return address
  const [head = '', tail] = address.split('::')
  const groups = head === '' ? [] : head.split(':')
  const after = tail ? tail.split(':').length : 0
  const whole = tail === undefined ? groups : [...groups, ...Array(Math.max(0, 8 - groups.length - after)).fill('0')]
  return `${[...whole, ...(tail ? tail.split(':') : [])]
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}
