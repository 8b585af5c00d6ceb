import { expect, test } from 'vitest'
import { createWorld } from './index.ts'

test('[B6] who listens to the page no more hears nothing, although the tab was frozen when it happened', async () => {
  const world = createWorld()
  const tab = world.device('laptop').openTab()
  const heard: string[] = []
  const listen = (name: string) =>
    tab.world.page.listen({ visibilityChanged() {}, stopping() {}, resumed: () => heard.push(name) })
  const stop = listen('the first')
  listen('the second')
  tab.freeze()
  // what comes for a frozen tab has its turn when it goes on
  tab.run(stop)
  tab.resume()
  await world.advanceTime(1)
  expect(heard).toEqual(['the second'])
})
