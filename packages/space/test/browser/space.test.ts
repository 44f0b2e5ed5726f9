import { Keyring } from '@vestibule/keys'
import { IndexedDbKeyStore } from '@vestibule/keys/browser'
import { IndexedDbStorage } from '@vestibule/space/browser'
import { expect, test } from 'vitest'
import { bring, greet, namesOf, Person, textsOf, until, World } from '../world.ts'

test('a space in a browser is there again after a restart, with members and messages', async () => {
  const [world, name] = [new World(), crypto.randomUUID()]
  const keyring = new Keyring(new IndexedDbKeyStore(`${name} keys`))
  const ada = await Person.join(world, 'ada', await IndexedDbStorage.open(name), keyring)
  const bob = await Person.join(world, 'bob')
  const hers = await ada.manager.createSpace({ name: 'Kitchen' })
  const his = await bring(hers, bob)
  await greet(hers, his)
  await ada.manager.close()
  await ada.storage.close()
  const again = await ada.restart(world, await IndexedDbStorage.open(name))
  const [space] = again.manager.list()
  if (space === undefined) throw new Error('the space is gone')
  expect(namesOf(space)).toEqual(['ada', 'bob'])
  expect(textsOf(space)).toEqual(['hello', 'hello Ada'])
  await until(space, () => space.peers().length === 1)
  for (const { manager, storage } of [again, bob]) {
    await manager.close()
    await storage.close()
  }
})
