import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Space } from '../../src/index.ts'
import { storageKeys } from '../../src/record.ts'
import { bring, Person, World } from '../world.ts'
import { copyOf, LoggedStorage, opened, stateOf, storageWith, storeOf } from './snapshot-stage.ts'

const NAMES = ['ada', 'bob', 'cem', 'dan']
const runs = Math.ceil(Number(process.env['FUZZ_RUNS'] ?? 20_000) / 1000)

const act = fc.oneof(
  fc.record({ kind: fc.constantFrom('write', 'rotate', 'profile', 'leave'), who: fc.nat(3) }),
  fc.record({
    kind: fc.constantFrom('admit', 'admit', 'remove', 'demote'),
    who: fc.nat(3),
    whom: fc.nat(3),
  }),
  fc.record({ kind: fc.constantFrom('part', 'meet'), who: fc.nat(3) }),
)
type Act = typeof act extends fc.Arbitrary<infer T> ? T : never

/** Refusals are part of it. */
const attempt = (task: Promise<unknown>): Promise<unknown> =>
  task.catch((error: { code?: string }) => {
    if (error.code === undefined) throw error
  })

async function play(acts: readonly Act[]) {
  const world = new World()
  const people = await Promise.all(NAMES.map((name) => Person.join(world, name, new LoggedStorage())))
  const [ada, bob, cem] = people as [Person, Person, Person]
  const kitchen = await ada.manager.createSpace({ name: 'Kitchen' })
  await bring(kitchen, bob, 'ADMIN')
  await bring(kitchen, cem)
  const { key } = kitchen
  const spaceOf = (n: number): Space | undefined => people[n]?.manager.get(key)
  for (const [n, one] of acts.entries()) {
    const [person, space] = [people[one.who] as Person, spaceOf(one.who)]
    const whom = 'whom' in one ? (people[one.whom] as Person) : person
    if (one.kind === 'part' || one.kind === 'meet') world.setOnline(person.name, one.kind === 'meet')
    if (space === undefined) continue
    const self = whom.signingContext.identityKey
    if (one.kind === 'write') await attempt(space.write(`${n}`))
    if (one.kind === 'rotate') await attempt(space.rotateReadKey())
    if (one.kind === 'profile') await attempt(space.setProfile({ displayName: `name ${n}` }))
    if (one.kind === 'leave' && one.who !== 0) await attempt(space.leave())
    if (one.kind === 'admit') await attempt(bring(space, whom, n % 3 === 0 ? 'ADMIN' : 'EDITOR'))
    if (one.kind === 'remove') await attempt(space.removeMember(self))
    if (one.kind === 'demote') await attempt(space.changeRole(self, n % 2 === 0 ? 'READER' : 'EDITOR'))
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
    if (n % 2 === 0) await storeOf(space).keepSnapshot(1)
  }
  const first = spaceOf(0) as Space
  for (const { manager } of people) await manager.close()
  return { people, space: first }
}

test('whenever it crashes, a space opened from its snapshot is the one that is folded from scratch', {
  timeout: 600_000,
}, async () => {
  let compared = 0
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 10, maxLength: 30 }), async (acts) => {
      const { people, space } = await play(acts)
      for (const person of people) {
        const { log } = person.storage as LoggedStorage
        for (let n = log.length; n > 0; n -= 2) {
          const storage = await storageWith(log.slice(0, n).flat())
          const at = storageKeys.snapshot(space.key)
          if ((await storage.get(at)) === undefined) break
          const bare = await copyOf(storage, [{ key: at, value: undefined }])
          const [fast, slow] = [await opened(person, space, storage), await opened(person, space, bare)]
          if (fast === undefined || slow === undefined) continue
          expect(stateOf(fast, person)).toEqual(stateOf(slow, person))
          compared++
        }
      }
    }),
    { numRuns: runs },
  )
  expect(compared).toBeGreaterThan(5 * runs)
})
