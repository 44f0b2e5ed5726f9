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

export const keyOf = ({ signingContext }: Person) => signingContext.identityKey
