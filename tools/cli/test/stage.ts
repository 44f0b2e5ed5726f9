import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRelay, type Relay } from '@vestibule/network/relay'
import { afterAll, beforeAll } from 'vitest'
import { type CliEvent, CliProcess, cli } from '../demo/process.ts'

/** A relay for all tests of a file; it has its addresses once they run. */
export function aRelay(): { readonly address: string } {
  let relay: Relay | undefined
  beforeAll(async () => {
    relay = await createRelay({ listen: ['/ip4/127.0.0.1/tcp/0/ws'] })
  })
  afterAll(() => relay?.stop())
  return {
    get address() {
      return relay?.addresses[0] ?? ''
    },
  }
}

export const folder = (): Promise<string> => mkdtemp(join(tmpdir(), 'vestibule-e2e-'))

/** Ada with a space, and Bob, who know the relay. */
export async function adaAndBob(relay: { readonly address: string }): Promise<{ ada: string; bob: string }> {
  const [ada, bob] = await Promise.all([folder(), folder()])
  await Promise.all([
    cli(ada, '--relay', relay.address, 'init', '--name', 'Ada'),
    cli(bob, 'init', '--name', 'Bob'),
  ])
  await cli(ada, 'space', 'create', 'Garden')
  return { ada, bob }
}

export async function share(data: string, ...options: string[]) {
  const host = new CliProcess(data, ['space', 'share', 'Garden', ...options])
  const { link, code } = await host.event('invitation')
  return { host, link: String(link), code }
}

/** Ends with the given exit code, and says why. */
export async function refused(
  data: string,
  expected: number,
  ...args: string[]
): Promise<CliEvent | undefined> {
  const events = await new CliProcess(data, args).done(expected)
  return events.find(({ event }) => event === 'error')
}
