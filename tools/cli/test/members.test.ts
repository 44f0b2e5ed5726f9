import { describe, expect, test } from 'vitest'
import { CliProcess, cli } from '../demo/process.ts'
import { EXIT } from '../src/exit-codes.ts'
import { adaAndBob, aRelay, refused, share } from './stage.ts'

const relay = aRelay()

/** Ada's Garden with Bob in it, and Ada online to hear what Bob does. */
async function garden() {
  const { ada, bob } = await adaAndBob(relay)
  const { host, link, code } = await share(ada)
  const joining = new CliProcess(bob, ['space', 'join', link])
  joining.type(String(code))
  await joining.done()
  await host.done()
  return { ada, bob }
}

const membersOf = async (data: string) =>
  (await cli(data, 'members', 'Garden')).filter(({ event }) => event === 'member')

describe('members', () => {
  test('get another role, are handed the space, and are removed, each event with its outcome', async () => {
    const { ada, bob } = await garden()
    const [, joined] = await membersOf(ada)
    expect(joined).toMatchObject({
      name: 'Bob',
      role: 'EDITOR',
      invitation: expect.stringMatching(/^[0-9a-f]{32}$/),
    })
    const identity = String(joined?.['identity'])

    const changed = await cli(ada, 'member', 'role', 'Garden', 'Bob', 'admin', '--wait-seconds', '1')
    expect(changed).toContainEqual(
      expect.objectContaining({ event: 'role', members: [identity], role: 'ADMIN', delivered: false }),
    )
    const listening = new CliProcess(ada, ['log', 'Garden', '--follow'])
    await listening.event('following')
    // Bob hears of his role when he says something.
    await cli(bob, 'say', 'Garden', 'hello')
    expect((await membersOf(bob))[1]).toMatchObject({ name: 'Bob', role: 'ADMIN' })
    expect((await refused(bob, EXIT.refused, 'member', 'remove', 'Garden', 'Ada'))?.['code']).toBe(
      'NOT_ALLOWED',
    )
    await listening.stop('SIGINT')

    const removed = await cli(ada, 'member', 'remove', 'Garden', identity.slice(0, 20), '--wait-seconds', '1')
    expect(removed).toContainEqual(expect.objectContaining({ event: 'removed', members: [identity] }))
    expect(await membersOf(ada)).toHaveLength(1)
  })

  test('are removed by the link that they came by, and told of it', async () => {
    const { ada, bob } = await garden()
    const [, joined] = await membersOf(ada)
    const id = String(joined?.['invitation'])
    const removed = await cli(ada, 'member', 'remove', 'Garden', '--invitation', id, '--wait-seconds', '1')
    expect(removed).toContainEqual(
      expect.objectContaining({ event: 'removed', members: [joined?.['identity']] }),
    )
    const listening = new CliProcess(ada, ['log', 'Garden', '--follow'])
    await listening.event('following')
    await cli(bob, 'say', 'Garden', 'hello', '--wait-seconds', '5')
    expect((await refused(bob, EXIT.refused, 'say', 'Garden', 'again'))?.['code']).toBe('NOT_A_MEMBER')
    await listening.stop('SIGINT')
  })

  test('hand the space over, and leave it', async () => {
    const { ada, bob } = await garden()
    const listening = new CliProcess(bob, ['log', 'Garden', '--follow'])
    await listening.event('following')
    const handed = await cli(ada, 'space', 'hand-over', 'Garden', 'Bob')
    expect(handed).toContainEqual(expect.objectContaining({ event: 'handed-over', delivered: true }))
    const left = await cli(ada, 'space', 'leave', 'Garden')
    expect(left).toContainEqual(expect.objectContaining({ event: 'left', members: [], delivered: true }))
    await listening.stop('SIGINT')
    expect(await membersOf(bob)).toEqual([expect.objectContaining({ name: 'Bob', role: 'OWNER' })])
    expect((await refused(ada, EXIT.refused, 'space', 'leave', 'Garden'))?.['code']).toBe('NOT_A_MEMBER')
  })

  test('have to be named so that one is meant', async () => {
    const { ada } = await adaAndBob(relay)
    expect((await refused(ada, EXIT.state, 'member', 'remove', 'Garden', 'Eve'))?.['code']).toBe('NO_MEMBER')
    expect((await refused(ada, EXIT.usage, 'member', 'remove', 'Garden'))?.['code']).toBe('WHO')
    expect(
      (await refused(ada, EXIT.usage, 'member', 'remove', 'Garden', '--invitation', 'x'))?.['code'],
    ).toBe('WHO')
    expect((await refused(ada, EXIT.refused, 'space', 'hand-over', 'Garden', 'Ada'))?.['code']).toBe(
      'NOT_ALLOWED',
    )
    await refused(ada, EXIT.usage, 'member', 'role', 'Garden', 'Ada', 'king')
  })
})
