import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { TidemarkDocument } from './document.ts'
import { createWorld } from './testing/index.ts'

const write = (document: TidemarkDocument, text = 'x') => document.doc.getText('body').insert(0, text)

test('[R4.1] a status listener that writes when it hears saved hears drained for each, in order', async () => {
  const world = createWorld()
  const plan = world.device('laptop').openTab().createClient().open('plan')
  await world.settle()
  const heard: string[] = []
  let answers = 2
  plan.on('status', ({ kind, pendingCount }) => {
    heard.push(`${kind} ${pendingCount}`)
    if (kind === 'saved' && answers-- > 0) write(plan)
  })
  plan.on('pending', ({ pendingCount }) => heard.push(`pending ${pendingCount}`))
  plan.on('drained', () => heard.push('drained'))
  write(plan)
  await world.settle()
  const once = ['syncing 1', 'pending 1', 'saved 0', 'drained']
  expect(heard).toEqual([...once, ...once, ...once])
})

test('[R4.1] what a listener does in an event does not change what the others hear of that event', async () => {
  const world = createWorld()
  const plan = world.device('laptop').openTab().createClient().open('plan')
  await world.settle()
  const heard: string[] = []
  plan.on('drained', () => void plan.close())
  plan.on('drained', () => heard.push('drained'))
  plan.on('status', ({ kind }) => heard.push(kind))
  write(plan)
  await world.settle()
  await world.advanceTime(1_000)
  expect(heard.filter((what) => what === 'drained')).toHaveLength(1)
})

const events = ['status', 'pending', 'drained', 'error', 'synced', 'sync'] as const
const acts = ['write', 'flush', 'retry', 'disconnect', 'connect', 'close', 'off'] as const
const outside = ['write', 'offline', 'online', 'kill', 'partition', 'wait', 'fail', 'heal', 'hide', 'show'] as const

test('[R4.1] [R6.5] whatever listeners do, in whatever event: each emptying is told once and in order, every promise settles, and nothing outlives a document', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 1 << 30 }),
      fc.array(fc.tuple(fc.constantFrom(...events), fc.constantFrom(...acts), fc.nat(3)), { maxLength: 6 }),
      fc.array(fc.constantFrom(...outside), { maxLength: 12 }),
      fc.constantFrom(0, 20),
      async (seed, plans, steps, sendWindow) => {
        const world = createWorld({ seed })
        const device = world.device('laptop')
        const tab = device.openTab()
        const client = tab.createClient({ sendWindow, catchUp: 'manual' })
        const plan = client.open('plan')
        const settled: Promise<unknown>[] = []
        let unsettled = 0
        const mustSettle = (promise: Promise<unknown>) => {
          unsettled++
          settled.push(
            promise.then(
              () => unsettled--,
              () => unsettled--,
            ),
          )
        }
        // one line of what an observer hears who does nothing, registered first
        const wrong: string[] = []
        let isPending = false
        plan.on('pending', ({ pendingCount }) => {
          if (pendingCount === 0) wrong.push('pending 0')
          isPending = true
        })
        plan.on('drained', () => {
          if (!isPending) wrong.push('drained early, or twice')
          isPending = false
        })
        let budget = 12
        for (const [event, act, after] of plans) {
          let heard = 0
          const off = plan.on(event, () => {
            if (heard++ < after || budget-- <= 0) return
            if (act === 'write') write(plan)
            else if (act === 'flush') mustSettle(plan.flush({ timeout: 1_000 }))
            else if (act === 'close') mustSettle(plan.close())
            else if (act === 'off') off()
            else plan[act]()
          })
        }
        for (const step of steps) {
          if (step === 'write') write(plan)
          else if (step === 'offline') world.goOffline()
          else if (step === 'online') world.goOnline()
          else if (step === 'kill') {
            world.server.kill()
            world.server.start()
          } else if (step === 'partition') {
            world.partition()
            await world.advanceTime(200)
            world.heal()
          } else if (step === 'fail') world.server.failStore()
          else if (step === 'heal') world.server.healStore()
          else if (step === 'hide') tab.hide()
          else if (step === 'show') tab.show()
          await world.advanceTime(300)
        }
        world.goOnline()
        world.server.healStore()
        budget = 0
        plan.connect()
        await world.advanceTime(120_000)
        expect(wrong).toEqual([])
        if (!plan.isClosed) {
          // never missing
          expect(plan.status).toMatchObject({ kind: 'saved', pendingCount: 0 })
          expect(isPending).toBe(false)
          expect(world.server.committed('plan').getText('body').length).toBe(plan.doc.getText('body').length)
        }
        mustSettle(plan.close())
        mustSettle(client.close())
        await world.advanceTime(10_000)
        expect(unsettled).toBe(0)
        expect(device.socketCount).toBe(0)
      },
    ),
    { numRuns: 60 },
  )
})
