import { connect, Socket } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { freshDatabase } from '../../../test/helpers/postgres.ts'
import { until } from '../../../test/helpers/until.ts'
import { LocalServer } from '../sockets/testing.ts'
import { Connections } from './connections.ts'

afterEach(() => vi.restoreAllMocks())

/** Connections in a loop whose turns a test makes. */
function makeConnections(count: number) {
  const turn = { isOver: false, rests: [] as (() => void)[] }
  const connections = new Connections({
    isOver: () => turn.isOver,
    rest: () => new Promise((resume) => turn.rests.push(resume)),
  })
  const acts: string[] = []
  const sockets = Array.from({ length: count }, (_, index) => {
    const socket = new Socket()
    socket.pause = () => {
      acts.push(`pause ${index}`)
      return socket
    }
    socket.resume = () => {
      acts.push(`resume ${index}`)
      return socket
    }
    connections.add(socket)
    return socket
  })
  const nextTurn = async () => {
    for (const resume of turn.rests.splice(0)) resume()
    await Promise.resolve()
    await Promise.resolve()
  }
  const done = () => acts.splice(0)
  return { turn, connections, sockets, nextTurn, done }
}

const all = (act: string, from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `${act} ${from + index}`)

describe('[R6.41] what comes on all HTTP connections is read in turns', () => {
  test('while there is time everything is read; when a turn is over nothing more is', () => {
    const { turn, connections, done } = makeConnections(100)
    connections.heard()
    expect(done()).toEqual([])
    turn.isOver = true
    connections.heard()
    expect(done()).toEqual(all('pause', 0, 100))
    connections.heard()
    expect(done(), 'they are paused already').toEqual([])
  })

  test('a few are read again in each turn, those first that came first', async () => {
    const { turn, connections, nextTurn, done } = makeConnections(150)
    turn.isOver = true
    connections.heard()
    done()
    turn.isOver = false
    await nextTurn()
    expect(done()).toEqual(all('resume', 0, 64))
    await nextTurn()
    expect(done()).toEqual(all('resume', 64, 128))
    // those have something, too, and it takes a while
    turn.isOver = true
    connections.heard()
    expect(done()).toEqual(all('pause', 0, 128))
    turn.isOver = false
    for (let count = 0; count < 3; count++) await nextTurn()
    expect(done()).toEqual(all('resume', 0, 150))
    expect(turn.rests, 'nobody waits any more').toEqual([])
  })

  test('a connection that is gone, or a socket now, is left alone', async () => {
    const { turn, connections, sockets, nextTurn, done } = makeConnections(4)
    connections.leave(sockets[1]!)
    turn.isOver = true
    connections.heard()
    expect(done()).toEqual(['pause 0', 'pause 2', 'pause 3'])
    sockets[2]?.emit('close')
    await nextTurn()
    expect(done()).toEqual(['resume 0', 'resume 3'])
  })

  test('a server does so, and everybody is answered', async () => {
    await using server = await LocalServer.start(await freshDatabase(), {})
    const { port } = new URL(server.http)
    const clients = Array.from({ length: 800 }, () => connect({ port: Number(port), host: '127.0.0.1' }))
    let answered = 0
    let connected = 0
    for (const client of clients) {
      client.on('connect', () => connected++)
      client.on('data', (data) => {
        answered += String(data).split('HTTP/1.1 200 OK').length - 1
      })
    }
    await until('all are connected', () => connected === clients.length)
    const paused = vi.spyOn(Socket.prototype, 'pause')
    const headers = Array.from({ length: 90 }, (_, index) => `x-${index}: ${'x'.repeat(100)}\r\n`).join('')
    const head = `GET /livez HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${headers}\r\n`
    for (const client of clients) client.write(head.repeat(4))
    await until('all are answered', () => answered === 4 * clients.length)
    expect(paused.mock.calls.length).toBeGreaterThan(0)
    for (const client of clients) client.destroy()
  })
})
