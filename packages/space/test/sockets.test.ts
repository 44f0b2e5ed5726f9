import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Keyring } from '@vestibule/keys'
import { FileKeyStore } from '@vestibule/keys/node'
import { NetworkManager } from '@vestibule/network'
import { afterEach, describe, expect, test } from 'vitest'
import { SigningContext, SpaceManager } from '../src/index.ts'
import { FileStorage } from '../src/node.ts'
import { bring, namesOf, Person, textsOf, until } from './world.ts'

const directories: string[] = []
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
})
const fresh = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'vestibule-space-'))
  directories.push(directory)
  return directory
}

/** A process of its own, as far as anything but memory goes: files, and a socket. */
async function start(name: string, directory: string) {
  const keyring = new Keyring(new FileKeyStore(join(directory, 'keys')))
  const storage = await FileStorage.open(directory)
  const parts = { keyring, storage }
  const signingContext = await SigningContext.open(parts).catch((error: { code?: string }) => {
    if (error.code !== 'NO_IDENTITY') throw error
    return SigningContext.create({ ...parts, displayName: name })
  })
  const network = new NetworkManager({ listen: ['/ip4/127.0.0.1/tcp/0/ws'] })
  await network.start()
  const manager = new SpaceManager({ ...parts, signingContext, networkManager: network })
  await manager.open()
  const stop = async (): Promise<void> => {
    await manager.close()
    await network.stop()
    await storage.close()
  }
  return { person: new Person({ name, keyring, storage, signingContext, manager }), network, stop }
}

describe('over sockets and files', () => {
  test('two members share a space, and have it after a restart', { timeout: 30_000 }, async () => {
    const [herDirectory, hisDirectory] = [fresh(), fresh()]
    const ada = await start('ada', herDirectory)
    const bob = await start('bob', hisDirectory)
    const hers = await ada.person.manager.createSpace({ name: 'Kitchen' })
    await hers.write('welcome')
    const his = await bring(hers, bob.person, 'EDITOR', ada.network.addresses())
    expect(namesOf(his)).toEqual(['ada', 'bob'])
    await until(his, () => textsOf(his).includes('welcome'))
    await his.write('thank you')
    await his.delivered({ signal: AbortSignal.timeout(10_000) })
    expect(textsOf(hers)).toEqual(['welcome', 'thank you'])
    await Promise.all([ada.stop(), bob.stop()])

    const again = await start('bob', hisDirectory)
    const [reopened] = again.person.manager.list()
    expect(reopened?.key).toBe(hers.key)
    expect(reopened && [reopened.name, namesOf(reopened), textsOf(reopened)]).toEqual([
      'Kitchen',
      ['ada', 'bob'],
      ['welcome', 'thank you'],
    ])
    await again.stop()
  })
})
