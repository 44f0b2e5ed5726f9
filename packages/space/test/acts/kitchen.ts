import { bring, Person, until, World } from '../world.ts'

/** Ada's space with Bob as admin, Cem as editor and Dan as reader, all connected to each other. */
export async function kitchen() {
  const world = new World()
  const join = (name: string) => Person.join(world, name)
  const [ada, bob, cem, dan] = [await join('ada'), await join('bob'), await join('cem'), await join('dan')]
  const hers = await ada.manager.createSpace({ name: 'Kitchen' })
  const bobs = await bring(hers, bob, 'ADMIN')
  const cems = await bring(hers, cem)
  const dans = await bring(hers, dan, 'READER')
  for (const space of [hers, bobs, cems, dans])
    await until(space, () => space.peers().length === 3 && space.members().length === 4)
  const close = () => Promise.all([ada, bob, cem, dan].map(({ manager }) => manager.close()))
  return { world, ada, bob, cem, dan, hers, bobs, cems, dans, close }
}

/** The same, with Eve, whom Ada and Bob have admitted at once, each with other feeds; she took Bob's. All three are apart. */
export async function admittedByBoth() {
  const kept = await kitchen()
  const { world, hers, bobs } = kept
  const eve = await Person.join(world, 'eve')
  for (const name of ['bob', 'eve']) world.setOnline(name, false)
  const [byAda, byBob] = [await eve.candidate(), await eve.candidate()]
  const role = 'EDITOR'
  const admission = await bobs.admit(byBob, { role })
  await hers.admit(byAda, { role })
  const theirs = await eve.manager.acceptSpace(admission, { ...byBob, role })
  return { ...kept, eve, theirs }
}

export const keyOf = ({ signingContext }: Person) => signingContext.identityKey
