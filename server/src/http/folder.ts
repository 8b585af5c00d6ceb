import { readdirSync, readFileSync, statSync } from 'node:fs'
import { extname, join } from 'node:path'
import { gzipSync } from 'node:zlib'

const compressible = new Set(['.html', '.js', '.css', '.svg', '.json', '.webmanifest', '.map', '.txt'])
const smallestCompressed = 1024
/** However often a file is asked for, the folder is looked at once in so many ms. */
const freshMs = 1_000

type Bytes = Uint8Array<ArrayBuffer>

/** What the disk is asked, of the folder's files by their paths with slashes. */
export interface Disk {
  /** @returns for each file something that changes when it does */
  list(): ReadonlyMap<string, string>
  /** @returns null when it is gone */
  read(path: string): Bytes | null
}

/** A file in memory. */
export class StoredFile {
  readonly etag: string
  readonly plain: Bytes
  readonly #isCompressed: boolean
  #gzipped: Bytes | null = null

  constructor(path: string, version: string, plain: Bytes) {
    this.etag = `W/"${version}"`
    this.plain = plain
    this.#isCompressed = compressible.has(extname(path)) && plain.length >= smallestCompressed
  }

  /** Made when somebody asks for it first; null for one that would gain nothing. */
  get gzipped(): Bytes | null {
    if (!this.#isCompressed) return null
    return (this.#gzipped ??= new Uint8Array(gzipSync(this.plain)))
  }
}

/**
 * The files of a folder, kept in memory (W12). Each is read and compressed in one go: of thousands who ask together the first
 * does it, and nobody's answer waits for the disk. A page that is built anew is served without a restart.
 */
export class Folder {
  readonly #disk: Disk
  readonly #now: () => number
  #versions: ReadonlyMap<string, string> = new Map()
  readonly #files = new Map<string, StoredFile>()
  #lookedAt = Number.NEGATIVE_INFINITY

  /** @param now in ms, of a clock that only goes forward */
  constructor(disk: Disk, now: () => number = () => performance.now()) {
    this.#disk = disk
    this.#now = now
  }

  /** @returns null when there is no such file */
  file(path: string): StoredFile | null {
    this.#look()
    const version = this.#versions.get(path)
    if (version === undefined) return null
    const known = this.#files.get(path)
    if (known) return known
    const plain = this.#disk.read(path)
    if (plain === null) return null
    const file = new StoredFile(path, version, plain)
    this.#files.set(path, file)
    return file
  }

  #look(): void {
    const now = this.#now()
    if (now - this.#lookedAt < freshMs) return
    this.#lookedAt = now
    const versions = this.#disk.list()
    for (const path of this.#files.keys()) {
      if (versions.get(path) !== this.#versions.get(path)) this.#files.delete(path)
    }
    this.#versions = versions
  }
}

/** @param folder that need not exist */
export function diskOf(folder: string): Disk {
  return {
    list() {
      const versions = new Map<string, string>()
      for (const path of pathsIn(folder)) {
        const facts = statSync(join(folder, path), { throwIfNoEntry: false })
        if (facts?.isFile()) versions.set(path, `${facts.size.toString(36)}-${Math.floor(facts.mtimeMs).toString(36)}`)
      }
      return versions
    },
    read(path) {
      try {
        return new Uint8Array(readFileSync(join(folder, path)))
      } catch {
        return null
      }
    },
  }
}

function pathsIn(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => path.replaceAll('\\', '/'))
  } catch {
    return []
  }
}
