import { acceptIdentity } from '@vestibule/space'
import { describe, expect, test } from 'vitest'
import { CliProcess, cli } from '../demo/process.ts'
import { EXIT } from '../src/exit-codes.ts'
import { openPeer, openStores } from '../src/peer.ts'
import { adaAndBob, aRelay, folder, refused, share } from './stage.ts'

const relay = aRelay()

/** A further device of the identity in a data directory. */
async function added(data: string, label: string): Promise<string> {
  const other = await folder()
  const { keyring, storage } = await openStores(other)
  const keys = { deviceKey: await keyring.createKey(), agreementKey: await keyring.createAgreementKey() }
  {
    await using peer = await openPeer({ data, relays: [], listen: [] }, false)
    const admission = await peer.spaceManager.identity.admitDevice({ ...keys, label })
    await acceptIdentity(admission, { keyring, storage, ...keys })
  }
  await storage.close()
  return other
}

const devicesOf = async (data: string) =>
  (await cli(data, 'device', 'list')).filter(({ event }) => event === 'device')

/** Ada's Garden with Bob in it, and Ada's phone. */
async function garden() {
  const { ada, bob } = await adaAndBob(relay)
  const { host, link } = await share(ada, '--no-code')
  await cli(bob, 'space', 'join', link)
  await host.done()
  return { ada, bob, phone: await added(ada, 'phone') }
}

describe('devices', () => {
  test('are listed, given names, and revoked by the one that added them, which members hear of', async () => {
    const { ada, bob, phone } = await garden()
    expect(await cli(ada, 'device', 'label', 'laptop')).toContainEqual(
      expect.objectContaining({ event: 'device', label: 'laptop', current: true, revoked: false }),
    )
    await cli(ada, 'device', 'label', 'old phone', 'phone')
    expect((await devicesOf(ada)).map(({ label, current }) => [label, current])).toEqual([
      ['laptop', true],
      ['old phone', false],
    ])
    const [laptop] = await devicesOf(phone)
    const senior = await refused(phone, EXIT.refused, 'device', 'revoke', String(laptop?.['device']))
    expect(senior?.['code']).toBe('SENIOR_DEVICE')

    const listening = new CliProcess(bob, ['log', 'Garden', '--follow'])
    await listening.event('following')
    const revoked = await cli(ada, 'device', 'revoke', 'old phone')
    expect(revoked).toContainEqual(expect.objectContaining({ event: 'revoked', delivered: true }))
    const late = await cli(
      phone,
      '--relay',
      relay.address,
      'say',
      'Garden',
      'still me?',
      '--wait-seconds',
      '2',
    )
    expect(late).toContainEqual(expect.objectContaining({ event: 'said', delivered: false }))
    await listening.stop('SIGINT')
    expect(listening.events.filter(({ event }) => event === 'message')).toEqual([])
    expect((await devicesOf(ada)).map(({ label, revoked: gone }) => [label, gone])).toEqual([
      ['laptop', false],
      ['old phone', true],
    ])
  })

  test('are revoked by the recovery phrase, one that is senior, or all others', async () => {
    const { ada } = await adaAndBob(relay)
    const words = (await cli(ada, 'recovery', 'create')).find(({ event }) => event === 'recovery')
    const [phone, tablet] = [await added(ada, 'phone'), await added(ada, 'tablet')]
    await cli(ada, 'device', 'label', 'laptop')
    const revoke = async (data: string, phrase: string, exit: number, ...args: string[]) => {
      const process = new CliProcess(data, ['device', 'revoke', '--wait-seconds', '1', ...args])
      process.type(phrase)
      return process.done(exit)
    }
    const phrase = String(words?.['phrase'])
    const other = (await cli(await named('Eve'), 'recovery', 'create')).at(-1)?.['phrase']
    expect(await revoke(tablet, String(other), EXIT.refused, '--others')).toContainEqual(
      expect.objectContaining({ event: 'error', code: 'WRONG_PHRASE' }),
    )
    const [laptop] = await devicesOf(phone)
    const one = await revoke(phone, phrase, EXIT.ok, '--phrase', String(laptop?.['device']))
    expect(one).toContainEqual(
      expect.objectContaining({ event: 'revoked', devices: [laptop?.['device']], delivered: true }),
    )
    const all = await revoke(tablet, phrase, EXIT.ok, '--others')
    expect(all.find(({ event }) => event === 'revoked')?.['devices']).toContain(laptop?.['device'])
    expect((await devicesOf(tablet)).filter(({ revoked: gone }) => gone === false)).toEqual([
      expect.objectContaining({ current: true }),
    ])
  })

  test('have to be named so that one is meant, and by names that fit', async () => {
    const { ada } = await adaAndBob(relay)
    const refusals: readonly (readonly [string, number, readonly string[]])[] = [
      ['NO_DEVICE', EXIT.state, ['device', 'revoke', 'tablet']],
      ['WHICH_DEVICE', EXIT.usage, ['device', 'revoke']],
      ['WHICH_DEVICE', EXIT.usage, ['device', 'revoke', 'tablet', '--others']],
      ['BAD_NAME', EXIT.usage, ['device', 'label', 'ü'.repeat(33)]],
      ['BAD_NAME', EXIT.usage, ['profile', 'ü'.repeat(33)]],
    ]
    for (const [code, exit, args] of refusals)
      expect((await refused(ada, exit, ...args))?.['code'], args.join(' ')).toBe(code)
    await cli(ada, 'device', 'label', 'laptop')
    expect((await refused(ada, EXIT.refused, 'device', 'revoke', 'laptop'))?.['code']).toBe('NOT_ALLOWED')
  })
})

test('a profile is shown, and changed in all spaces', async () => {
  const { ada, bob } = await garden()
  expect(await cli(ada, 'profile')).toEqual([expect.objectContaining({ event: 'profile', name: 'Ada' })])
  const listening = new CliProcess(bob, ['log', 'Garden', '--follow'])
  await listening.event('following')
  expect(await cli(ada, 'profile', 'Countess')).toContainEqual(
    expect.objectContaining({ event: 'profile', name: 'Countess', delivered: true }),
  )
  await listening.stop('SIGINT')
  const members = (await cli(bob, 'members', 'Garden')).filter(({ event }) => event === 'member')
  expect(members.map(({ name }) => name)).toEqual(['Countess', 'Bob'])
  expect(await cli(ada, 'profile')).toEqual([expect.objectContaining({ name: 'Countess' })])
})

async function named(name: string): Promise<string> {
  const data = await folder()
  await cli(data, 'init', '--name', name)
  return data
}
