import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRelay } from '@vestibule/network/relay'
import { type CliEvent, CliProcess, cli, killAll } from './process.ts'

const started = performance.now()

/** Prints a step with the time that it took. */
async function step<T>(what: string, act: () => Promise<T>): Promise<T> {
  const before = performance.now()
  const result = await act()
  const ms = Math.round(performance.now() - before)
  console.log(`${String(ms).padStart(6)} ms  ${what}`)
  return result
}

function agree(what: string, a: unknown, b: unknown): void {
  const [left, right] = [JSON.stringify(a), JSON.stringify(b)]
  if (left !== right) throw new Error(`${what} differ: ${left} and ${right}`)
}

const of = (events: readonly CliEvent[], name: string): CliEvent[] =>
  events.filter(({ event }) => event === name)

/** What a peer has on disk, the same for everybody who agrees. */
async function stateOf(data: string): Promise<{ members: unknown[]; messages: unknown[] }> {
  const members = of(await cli(data, 'members', 'Garden'), 'member').map(({ identity, name, role }) => [
    identity,
    name,
    role,
  ])
  const messages = of(await cli(data, 'log', 'Garden'), 'message').map(({ id, name, text }) => [
    id,
    name,
    text,
  ])
  return { members, messages }
}

const folder = await mkdtemp(join(tmpdir(), 'vestibule-demo-'))
const [ada, bob] = [join(folder, 'ada'), join(folder, 'bob')]
try {
  const relay = await step('a relay listens on a WebSocket', () =>
    createRelay({ listen: ['/ip4/127.0.0.1/tcp/0/ws'] }),
  )
  await using _ = relay
  const [address = ''] = relay.addresses

  await step('Ada and Bob each make an identity', () =>
    Promise.all([cli(ada, '--relay', address, 'init', '--name', 'Ada'), cli(bob, 'init', '--name', 'Bob')]),
  )
  await step('Ada makes a space called Garden', () => cli(ada, 'space', 'create', 'Garden'))

  const host = new CliProcess(ada, ['space', 'share', 'Garden'])
  const { link, code } = await step('Ada shares it: a link and a code', () => host.event('invitation'))
  console.log(`           link  ${link}\n           code  ${code}`)

  const guest = new CliProcess(bob, ['space', 'join'])
  console.log(`           host is process ${host.pid}, guest is process ${guest.pid}`)
  guest.type(String(link))
  const preview = await step('Bob opens the link and sees who invites him', () => guest.event('preview'))
  console.log(`           ${preview['inviterName']} invites to ${preview['spaceName']} as ${preview['role']}`)
  await guest.event('state', ({ state }) => state === 'READY_FOR_AUTHENTICATION')
  guest.type(String(code))
  await step('Bob types the code; both say that he is a member', () =>
    Promise.all([guest.event('joined'), host.event('admitted')]),
  )
  await step('both processes end well', () => Promise.all([guest.done(), host.done()]))

  let follower = new CliProcess(bob, ['log', 'Garden', '--follow'])
  await follower.event('following')
  await step('Ada writes, and it appears at Bob', async () => {
    await cli(ada, 'say', 'Garden', 'hello from Ada')
    await follower.event('message', ({ text }) => text === 'hello from Ada')
  })
  await follower.stop('SIGINT')

  follower = new CliProcess(ada, ['log', 'Garden', '--follow'])
  await follower.event('following')
  await step('Bob writes, and it appears at Ada', async () => {
    await cli(bob, 'say', 'Garden', 'hello from Bob')
    await follower.event('message', ({ text }) => text === 'hello from Bob')
  })

  await step('Ada’s process is killed and started again', async () => {
    await follower.stop('SIGKILL')
    follower = new CliProcess(ada, ['log', 'Garden', '--follow'])
    await follower.event('message', ({ text }) => text === 'hello from Bob')
  })
  await step('Bob writes once more, and it appears at Ada', async () => {
    await cli(bob, 'say', 'Garden', 'still there?')
    await follower.event('message', ({ text }) => text === 'still there?')
  })
  await follower.stop('SIGINT')

  await step('both agree on members and messages', async () => {
    const [atAda, atBob] = await Promise.all([stateOf(ada), stateOf(bob)])
    agree('members', atAda.members, atBob.members)
    agree('messages', atAda.messages, atBob.messages)
    agree('the number of members and messages', [atAda.members.length, atAda.messages.length], [2, 3])
  })
  console.log(`\nDone in ${((performance.now() - started) / 1000).toFixed(1)} s.`)
} catch (error) {
  console.error(`\nThe demo failed: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
} finally {
  killAll()
  await rm(folder, { recursive: true, force: true })
}
