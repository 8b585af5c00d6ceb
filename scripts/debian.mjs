import { existsSync } from 'node:fs'
import { capture, say } from './processes.mjs'

/** Installs a Debian package where we may. What then is missing, its user says loudly. */
export async function installFromDebian(name) {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return
  say(`installing Debian's ${name} for the tests …`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  await capture('apt-get', ['update', '-q'], { env })
  const result = await capture('apt-get', ['install', '-qy', '--no-install-recommends', name], { env })
  if (result.code !== 0) say(result.output.trim().split('\n').slice(-5).join('\n'))
}
