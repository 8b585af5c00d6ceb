import { networkInterfaces } from 'node:os'
import { isLoopback, isWildcard } from '../config/loopback.ts'
import type { Config } from '../config.ts'

/**
 * Which names the server answers under, and which pages may connect (S2). It keeps a foreign page, and a foreign name
 * that was made to point at this machine (DNS rebinding), away from a server on somebody's laptop.
 */
export interface NetworkPolicy {
  /** @param host the `Host` header */
  isHostAllowed(host: string | undefined): boolean
  /**
   * @param origin the `Origin` header; a client that is no browser sends none, and passes
   * @param host the `Host` header of the same request
   */
  isOriginAllowed(origin: string | undefined, host: string | undefined): boolean
}

export interface NetworkPolicyParts {
  readonly config: Pick<Config, 'host' | 'allowedHosts' | 'allowedOrigins'>
  /** The port listened on: with port 0 it is known only then. */
  port(): number
  /** The addresses of this machine. */
  addresses?(): string[]
}

export function createNetworkPolicy({
  config,
  port,
  addresses = machineAddresses(),
}: NetworkPolicyParts): NetworkPolicy {
  const listed = config.allowedHosts.map(parseHost).filter((host) => host !== null)

  /** The server's own address and, for its port, the names of the loopback. */
  function isOwn({ name, port: hostPort }: Host): boolean {
    if ((hostPort ?? 80) !== port()) return false
    return isLoopback(name) || name === config.host || (isWildcard(config.host) && addresses().includes(name))
  }

  // An entry without a port stands for every port: the proxy in front decides which one people see.
  function isListed({ name, port: hostPort }: Host): boolean {
    return listed.some((entry) => entry.name === name && (entry.port === null || entry.port === hostPort))
  }

  function isHostAllowed(header: string | undefined): boolean {
    const host = parseHost(header)
    return host !== null && (isOwn(host) || isListed(host))
  }

  return {
    isHostAllowed,
    isOriginAllowed(origin, hostHeader) {
      if (origin === undefined) return true
      if (config.allowedOrigins.includes(origin.toLowerCase())) return true
      const authority = /^https?:\/\/([^/]+)$/i.exec(origin)?.[1]
      const page = parseHost(authority)
      if (authority === undefined || page === null) return false
      if (isOwn(page)) return true
      // the page that this very name served; another port of a listed name is another site
      return authority.toLowerCase() === hostHeader?.toLowerCase() && isHostAllowed(hostHeader)
    },
  }
}

interface Host {
  /** In lower case, without brackets. */
  name: string
  /** `null` when left out: the scheme's own. */
  port: number | null
}

function parseHost(header: string | undefined): Host | null {
  if (header === undefined || header.length > 300) return null
  const match = /^(?:\[([\da-f:.]+)\]|([a-z\d_.-]+))(?::(\d{1,5}))?$/.exec(header.toLowerCase())
  const name = match?.[1] ?? match?.[2]
  if (name === undefined) return null
  return { name: name.replace(/(?<=.)\.$/, ''), port: match?.[3] === undefined ? null : Number(match[3]) }
}

/** The system is asked once in so many ms, however many requests come. */
const freshMs = 5_000

function machineAddresses(): () => string[] {
  let known: { at: number; addresses: string[] } | null = null
  return () => {
    const at = performance.now()
    if (known === null || at - known.at >= freshMs) {
      const entries = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
      known = { at, addresses: entries.map(({ address }) => address) }
    }
    return known.addresses
  }
}
