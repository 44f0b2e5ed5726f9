import { VirtualClock } from '@vestibule/network/testing'
import { describe, expect, test } from 'vitest'
import type { Space } from '../src/index.ts'
import { CROWD, LONGEST_MS, QUIET_MS } from '../src/replication/crowd.ts'
import { bring, namesOf, Person, textsOf, until, World } from './world.ts'

async function kitchen(guests: number) {
  const clock = new VirtualClock()
  const world = new World(clock)
  const [ada, bob, eve] = (await Promise.all(
    ['ada', 'bob', 'eve'].map((name) => Person.join(world, name)),
  )) as [Person, Person, Person]
  const space = await ada.manager.createSpace({ name: 'Kitchen' })
  const his = await bring(space, bob)
  await until(his, () => namesOf(his).length === 2 && his.peers().length === 1)
  await clock.advance(QUIET_MS + 1)
  const away = new World(clock)
  const crowd = await Promise.all(Array.from({ length: guests }, (_, i) => Person.join(away, `guest ${i}`)))
  const admit = async (to: Space, people: readonly Person[]): Promise<void> => {
    for (const person of people) await to.admit(await person.candidate(), { role: 'EDITOR' })
  }
  const close = async (): Promise<void> => {
    for (const { manager } of [ada, bob, eve, ...crowd]) await manager.close()
  }
  return { clock, space, his, eve, crowd, admit, close }
}

describe('members that are connected', () => {
  test('hear of few who come in one by one', async () => {
    const { space, his, crowd, admit, close } = await kitchen(CROWD - 1)
    await admit(space, crowd)
    await until(his, () => namesOf(his).length === 2 + crowd.length)
    await close()
  })

  test('hear of a crowd when it is through, of all at once', async () => {
    const { clock, space, his, crowd, admit, close } = await kitchen(CROWD + 20)
    await admit(space, crowd.slice(0, CROWD))
    await clock.advance(QUIET_MS - 1)
    const before = namesOf(his).length
    await admit(space, crowd.slice(CROWD))
    await clock.advance(QUIET_MS - 1)
    expect([namesOf(space).length, namesOf(his).length]).toEqual([2 + crowd.length, before])
    await clock.advance(1)
    await until(his, () => namesOf(his).length === 2 + crowd.length)
    await close()
  })

  test('wait no longer than that for a crowd without an end', async () => {
    const gapMs = QUIET_MS - 1
    const gaps = Math.ceil(LONGEST_MS / gapMs)
    const { clock, space, his, crowd, admit, close } = await kitchen(CROWD + gaps)
    await admit(space, crowd.slice(0, CROWD))
    for (const [i, guest] of crowd.slice(CROWD).entries()) {
      await clock.advance(gapMs)
      if (i < gaps - 1) expect(namesOf(his).length).toBeLessThanOrEqual(2 + CROWD)
      await admit(space, [guest])
    }
    await until(his, () => namesOf(his).length > 2 + CROWD)
    await close()
  })

  test('hear at once of anything else, and then of those who came before it', async () => {
    const { space, his, crowd, admit, close } = await kitchen(CROWD)
    await admit(space, crowd)
    await space.write('welcome')
    await until(his, () => textsOf(his).includes('welcome'))
    expect(namesOf(his)).toHaveLength(2 + crowd.length)
    await close()
  })

  test('are met when the crowd is through', async () => {
    const { clock, space, eve, crowd, admit, close } = await kitchen(CROWD)
    await admit(space, crowd)
    await bring(space, eve)
    await clock.advance(QUIET_MS - 1)
    expect(space.peers().map(({ peer }) => peer)).toEqual(['bob'])
    await clock.advance(1)
    await until(space, () => space.peers().length === 2)
    await close()
  })

  test('keep no space from closing while they wait', async () => {
    const { clock, space, crowd, admit, close } = await kitchen(CROWD)
    await admit(space, crowd)
    await space.close()
    expect(space.state).toBe('closed')
    await close()
    expect(clock.pending).toBe(0)
  })
})
