import { expect, test } from 'vitest'
import { Channels } from './channels.ts'
import { Thread } from './thread.ts'
import { Timeline } from './timeline.ts'

function aDevice() {
  const timeline = new Timeline()
  let latency = 5
  const channels = new Channels(timeline, () => latency--)
  const tab = (name: string) => {
    const thread = new Thread(timeline)
    const heard: unknown[] = []
    const open = () => {
      const channel = channels.open(name, thread)
      channel.onMessage = (message) => heard.push(message)
      return channel
    }
    return { thread, heard, channel: open(), open }
  }
  return { timeline, channels, tab }
}

test('[B6] what one says the others hear, later and in order, as a copy; nobody hears himself', async () => {
  const { timeline, tab } = aDevice()
  const [one, two, elsewhere] = [tab('a'), tab('a'), tab('b')]
  const bytes = Uint8Array.of(1, 2)
  one.channel.post({ bytes })
  one.channel.post('second')
  bytes[0] = 9
  expect(two.heard).toEqual([])
  await timeline.advance(5)
  expect(two.heard).toEqual([{ bytes: Uint8Array.of(1, 2) }, 'second'])
  expect(one.heard).toEqual([])
  expect(elsewhere.heard).toEqual([])
  one.open().post('from the same tab')
  await timeline.advance(5)
  expect(one.heard).toEqual(['from the same tab'])
})

test('[B6] a frozen tab hears it when it goes on, a crashed one never; a closed channel says and hears nothing', async () => {
  const { timeline, channels, tab } = aDevice()
  const [one, frozen, crashed, closed] = [tab('a'), tab('a'), tab('a'), tab('a')]
  frozen.thread.hold('frozen')
  one.channel.post('hello')
  crashed.thread.end()
  channels.tabEnded(crashed.thread)
  closed.channel.close()
  await timeline.advance(5)
  expect([frozen.heard, crashed.heard, closed.heard]).toEqual([[], [], []])
  frozen.thread.release('frozen')
  await timeline.advance(0)
  expect(frozen.heard).toEqual(['hello'])
  expect(() => closed.channel.post('more')).toThrow('closed')
  expect(() => one.channel.post(() => {})).toThrow()
})
