import fc from 'fast-check'
import { expect, test } from 'vitest'
import { defineMessage, type Space } from '../../src/index.ts'
import { bring, Person, until, World } from '../world.ts'

const Note = defineMessage<number>('org.example.note', {
  encode: (value) => Uint8Array.of(value),
  decode: (encoded) => encoded[0] ?? 0,
})
const NAMES = ['ada', 'bob', 'cem'] as const

/** In a round some are connected with each other and the others are alone; then some write, one after the other. */
const round = fc.record({
  online: fc.subarray([0, 1, 2]),
  writers: fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 4 }),
})

async function orderOf(space: Space): Promise<string[]> {
  const ids: string[] = []
  for await (const { id } of space.messagesOf(Note).history()) ids.push(id)
  return ids
}

test('everybody sees each message behind all that its author had seen, and all agree, however they were parted', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(round, { minLength: 2, maxLength: 6 }), async (rounds) => {
      const world = new World()
      const people = await Promise.all(NAMES.map((name) => Person.join(world, name)))
      const [ada, bob, cem] = people as [Person, Person, Person]
      const founded = await ada.manager.createSpace({ name: 'Kitchen' })
      const spaces = [founded, await bring(founded, bob), await bring(founded, cem)]
      for (const space of spaces) await until(space, () => space.members().length === 3)
      const known = spaces.map(() => new Set<string>())
      let connected = new Set([0, 1, 2])
      const seenBefore = new Map<string, ReadonlySet<string>>()

      /** Waits until all that are connected have what any of them has. */
      const meet = async (online: readonly number[]): Promise<void> => {
        const all = new Set(online.flatMap((who) => [...(known[who] ?? [])]))
        for (const who of online) {
          const space = spaces[who] as Space
          await until(space, () => space.messages().length === all.size)
          known[who] = new Set(all)
        }
      }
      const check = async (): Promise<string[][]> => {
        const orders = await Promise.all(spaces.map(orderOf))
        for (const order of orders) {
          const before = new Set<string>()
          for (const id of order) {
            expect([...(seenBefore.get(id) ?? [])].filter((one) => !before.has(one))).toEqual([])
            before.add(id)
          }
        }
        return orders
      }

      for (const { online, writers } of [...rounds, { online: [0, 1, 2], writers: [] }]) {
        for (const [who, name] of NAMES.entries())
          if (connected.has(who) !== online.includes(who)) world.setOnline(name, online.includes(who))
        connected = new Set(online)
        await meet(online)
        for (const who of writers) {
          const { id } = await (spaces[who] as Space).send(Note, who)
          seenBefore.set(id, new Set(known[who]))
          known[who]?.add(id)
        }
        await meet(online)
        await check()
      }
      const [first, ...others] = await check()
      expect(first).toHaveLength(seenBefore.size)
      for (const order of others) expect(order).toEqual(first)
      for (const { manager } of people) await manager.close()
    }),
    { numRuns: 25 },
  )
}, 60_000)
