import { describe, expect, test } from 'vitest'
import { CliProcess, cli } from '../demo/process.ts'
import { EXIT } from '../src/exit-codes.ts'
import { adaAndBob, aRelay, folder, refused, share } from './stage.ts'

const relay = aRelay()

/** Ada's laptop shows a link and a code for a further device. */
async function inviting(laptop: string) {
  const host = new CliProcess(laptop, ['device', 'invite'])
  const { link, code } = await host.event('invitation')
  return { host, link: String(link), code: String(code) }
}

describe('a further device', () => {
  test('is confirmed by its name, and is then the same person with the same spaces', async () => {
    const { ada: laptop } = await adaAndBob(relay)
    await cli(laptop, 'say', 'Garden', 'from the laptop', '--wait-seconds', '1')
    const { host, link, code } = await inviting(laptop)
    const phone = await folder()
    const joining = new CliProcess(phone, ['device', 'join', link, '--label', 'phone'])
    joining.type(code)
    expect(await host.event('asks')).toMatchObject({
      name: 'phone',
      device: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    await joining.event('state', ({ waiting }) => waiting === true)
    host.type('y')
    const joined = await joining.done()
    expect(joined).toContainEqual(
      expect.objectContaining({ event: 'joined', name: 'Ada', spaces: 1, alreadyMember: false }),
    )
    expect(await host.done()).toContainEqual(
      expect.objectContaining({ event: 'device-added', label: 'phone' }),
    )
    expect(await cli(phone, 'log', 'Garden')).toContainEqual(
      expect.objectContaining({ event: 'message', text: 'from the laptop' }),
    )
    const members = (await cli(phone, 'members', 'Garden')).filter(({ event }) => event === 'member')
    expect(members).toEqual([expect.objectContaining({ name: 'Ada', role: 'OWNER' })])
    // A second time there is nothing to do; another identity is not overwritten.
    const again = await inviting(laptop)
    expect(await cli(phone, 'device', 'join', again.link)).toContainEqual(
      expect.objectContaining({ event: 'joined', alreadyMember: true }),
    )
    const eve = await folder()
    await cli(eve, 'init', '--name', 'Eve')
    expect((await refused(eve, EXIT.state, 'device', 'join', again.link))?.['code']).toBe('IDENTITY_EXISTS')
    expect(await again.host.stop('SIGINT')).toBe(EXIT.over)
  })

  test('is not added without a yes, and is told so', async () => {
    const { ada: laptop } = await adaAndBob(relay)
    const { host, link, code } = await inviting(laptop)
    const phone = await folder()
    const joining = new CliProcess(phone, ['device', 'join', link])
    joining.type(code)
    await host.event('asks')
    host.type('')
    expect(await joining.done(EXIT.refused)).toContainEqual(
      expect.objectContaining({ event: 'error', code: 'DECLINED' }),
    )
    expect((await refused(phone, EXIT.state, 'space', 'list'))?.['code']).toBe('NO_IDENTITY')
    await host.stop('SIGINT')
    expect((await refused(phone, EXIT.state, 'device', 'invite'))?.['code']).toBe('NO_IDENTITY')
  })
})

test('a link for one identity lets it in without a code', async () => {
  const { ada, bob } = await adaAndBob(relay)
  const [own] = await cli(bob, 'profile')
  const { host, link, code } = await share(ada, '--guest', String(own?.['identity']))
  expect(code).toBeUndefined()
  expect(await cli(bob, 'space', 'join', link)).toContainEqual(
    expect.objectContaining({ event: 'joined', alreadyMember: false }),
  )
  await host.done()
  await new CliProcess(ada, ['space', 'share', 'Garden', '--guest', 'bob']).done(EXIT.usage)
})

test('a guest of a space waits for the yes of its host', async () => {
  const { ada, bob } = await adaAndBob(relay)
  const { host, link } = await share(ada, '--approve', '--no-code')
  const joining = new CliProcess(bob, ['space', 'join', link])
  expect(await host.event('asks')).toMatchObject({
    name: 'Bob',
    identity: expect.stringMatching(/^did:key:/),
  })
  await joining.event('state', ({ waiting }) => waiting === true)
  host.type('yes')
  expect(await joining.done()).toContainEqual(
    expect.objectContaining({ event: 'joined', alreadyMember: false }),
  )
  await host.done()
})
