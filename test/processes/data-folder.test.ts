import { mkdir, rename, rm } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { container, hasContainers } from '../helpers/container.ts'
import { fillDataFolder } from '../helpers/data-folder.ts'
import { ServerProcess } from '../helpers/server.ts'
import { pause, until, within } from '../helpers/until.ts'
import { readEdits, Writer } from '../helpers/writer.ts'

async function write(server: ServerProcess): Promise<Writer> {
  const writer = new Writer({ url: server.sync, document: 'plan' })
  await writer.synced()
  writer.write()
  await writer.drained()
  return writer
}

async function refused(dataFolder: string, launcher: readonly string[]): Promise<string> {
  await using server = await ServerProcess.prepare({ dataFolder, launcher })
  server.launch()
  const { code } = await within('it gives up', 20_000, server.exited)
  expect(code).toBe(1)
  return server.output
}

describe('[R7.4] a data folder on a volume that containers share', () => {
  test('each container is process 1: the second refuses, the first goes on, and a killed one leaves it free', async () => {
    if (!hasContainers()) return
    await using first = await ServerProcess.start({ launcher: container })
    using writer = await write(first)
    expect(await refused(first.dataFolder, container)).toContain('data-folder-in-use')
    expect(await refused(first.dataFolder, [])).toContain('data-folder-in-use')
    writer.write()
    await writer.drained()
    await first.kill9()
    await using second = await ServerProcess.start({ dataFolder: first.dataFolder, launcher: container })
    expect(await readEdits({ url: second.sync, document: 'plan' })).toHaveLength(2)
    expect(await refused(first.dataFolder, [])).toContain('data-folder-in-use')
  })
})

describe('[R7.4] [W2] the data folder is taken away under a running server', () => {
  test('it acknowledges nothing more, says why, and does not touch the folder that stands there then', async () => {
    await using server = await ServerProcess.start()
    const away = `${server.dataFolder}-away`
    using writer = await write(server)
    await rename(server.dataFolder, away)
    await mkdir(server.dataFolder)
    await fillDataFolder(server.dataFolder)
    await using next = await ServerProcess.start({ dataFolder: server.dataFolder })
    using author = await write(next)
    writer.write()
    await pause(1_500)
    expect(writer.ledger.acknowledged.size).toBe(1)
    await until('it is not ready', async () => (await fetch(`${server.http}/readyz`)).status === 503)
    await server.stop()
    author.write()
    await author.drained()
    await next.restart()
    expect(await readEdits({ url: next.sync, document: 'plan' })).toHaveLength(2)
    await rm(away, { recursive: true })
  })
})
