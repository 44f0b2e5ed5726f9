import { expect, test } from 'vitest'
import { CliProcess, cli } from '../demo/process.ts'
import { EXIT } from '../src/exit-codes.ts'
import { adaAndBob, aRelay, folder, refused, share } from './stage.ts'

const relay = aRelay()

test('an invitation is left to another admin, who lets the guest in while its author is offline', async () => {
  const { ada, bob } = await adaAndBob(relay)
  const inviting = await share(ada, '--role', 'admin')
  const joining = new CliProcess(bob, ['space', 'join', inviting.link])
  joining.type(String(inviting.code))
  await joining.done()
  await inviting.host.done()

  // Bob stays online; Ada leaves the invitation to him, and goes.
  const serving = new CliProcess(bob, ['log', 'Garden', '--follow'])
  await serving.event('following')
  const { host, link, code } = await share(ada, '--delegated', '--role', 'reader')
  expect(await host.done()).toContainEqual(expect.objectContaining({ event: 'delegated', delivered: true }))

  const cem = await folder()
  await cli(cem, 'init', '--name', 'Cem')
  const guest = new CliProcess(cem, ['space', 'join', link])
  guest.type(String(code))
  const events = await guest.done()
  expect(events).toContainEqual(
    expect.objectContaining({ event: 'preview', inviterName: 'Ada', spaceName: 'Garden', role: 'READER' }),
  )
  await serving.stop('SIGINT')
  const members = (await cli(bob, 'members', 'Garden')).filter(({ event }) => event === 'member')
  expect(members.map(({ name }) => name)).toEqual(['Ada', 'Bob', 'Cem'])
  expect(await cli(bob, 'space', 'invitations', 'Garden')).toContainEqual(
    expect.objectContaining({ event: 'delegation', author: 'Ada', state: 'REDEEMED', admitted: 1 }),
  )
  // What is over already stays so, whoever calls it off.
  const cancelling = ['space', 'invitations', 'Garden', '--wait-seconds', '1', '--cancel']
  const [{ id } = { id: '' }] = await cli(bob, 'space', 'invitations', 'Garden')
  expect(await cli(bob, ...cancelling, String(id))).toContainEqual(
    expect.objectContaining({ event: 'cancelled', id }),
  )
  expect(await refused(bob, EXIT.usage, ...cancelling, 'xyz')).toMatchObject({ code: 'NO_INVITATION' })
})
