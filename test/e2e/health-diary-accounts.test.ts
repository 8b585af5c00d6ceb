import { describe, expect, test } from 'vitest'
import { DiaryWorld } from '../helpers/health-diary/world.ts'
import { until } from '../helpers/until.ts'

const world = new DiaryWorld()

describe('[H7] signing out', () => {
  test('waits until the server has everything, and then leaves nothing on the device', async () => {
    const diary = await world.open(await world.somebody(), world.server, 'bert')
    await diary.indicates('Saved')
    expect(await diary.databases()).not.toEqual([])
    await diary.saveWeight('65')
    await diary.part('sign-out').click()
    await diary.indicates('Signed out')
    expect(await diary.databases()).toEqual([])
    const other = await world.open(await world.somebody(), world.server, 'bert')
    await other.indicates('Saved')
    expect((await other.entries()).map(([, value]) => value)).toContain(65)
  })

  test('with the server away it waits 5 s, says what is left, and keeps it until the person says otherwise', async () => {
    const own = await world.startServer()
    const device = await world.somebody()
    const diary = await world.open(device, own)
    await diary.indicates('Saved')
    await own.kill9()
    await diary.saveProfile('Anna')
    await diary.saveWeight('66')
    const start = performance.now()
    await diary.part('sign-out').click()
    const question = diary.part('leftovers').locator('p')
    await question.waitFor({ state: 'visible', timeout: 10_000 })
    expect(performance.now() - start).toBeGreaterThan(4_500)
    expect(await question.textContent()).toBe('2 changes of anna are not on the server yet.')
    await diary.part('keep').click()
    expect(await diary.databases()).not.toEqual([])

    const again = await world.open(device, own)
    expect((await again.entries()).map(([, value]) => value)).toEqual([{ name: 'Anna' }, 66])
    await again.hears({ name: 'pending-change', pendingCount: 2 })
    await again.part('sign-out').click()
    await again.part('leftovers').waitFor({ state: 'visible', timeout: 10_000 })
    await again.part('delete').click()
    await again.indicates('Signed out')
    await until('the device is empty', async () => (await again.databases()).length === 0)
  })
})

describe('[H9] a curator who goes from one client to the next', () => {
  test('sees each one’s own data, and signing out of one wipes exactly that one', async () => {
    const own = await world.startServer()
    const device = await world.somebody()
    const diary = await world.open(device, own)
    await diary.saveProfile('Anna')
    await diary.indicates('Saved')
    await diary.part('person').selectOption('bert')
    await diary.indicates('Saved')
    expect(await diary.entries()).toEqual([])
    expect(await diary.part('profile').getByRole('textbox').inputValue()).toBe('')
    await own.kill9()
    await diary.saveProfile('Bert')
    const both = await diary.databases()
    expect(both.some((name) => name.includes('anna')) && both.some((name) => name.includes('bert'))).toBe(true)

    // Bert's edit is pending; Anna's diary neither shows it, nor counts it, nor waits for it
    await diary.part('person').selectOption('anna')
    await diary.indicates('Offline')
    expect(await diary.entries()).toEqual([['profile', { name: 'Anna' }]])
    expect(await diary.part('pending').textContent()).toBe('0')
    await own.start()
    await diary.indicates('Saved', 40_000)
    await diary.part('sign-out').click()
    await diary.indicates('Signed out')
    const left = await diary.databases()
    expect(left).toEqual(both.filter((name) => !name.includes('anna')))

    const later = await world.open(device, own, 'bert')
    expect(await later.entries()).toEqual([['profile', { name: 'Bert' }]])
    await later.indicates('Saved')
    const other = await world.open(await world.somebody(), own, 'bert')
    await other.indicates('Saved')
    expect(await other.entries()).toEqual([['profile', { name: 'Bert' }]])
  })
})
