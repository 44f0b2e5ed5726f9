#!/usr/bin/env node
import { createRelay } from '@vestibule/network/relay'
import { Command, Option } from 'commander'
import { readOrMakeSeed } from './identity.ts'

const more = (value: string, before: string[]) => [...before, ...value.split(',')]
const { listen, announce, key } = new Command('vestibule-relay')
  .description(
    'Lets peers find each other by hashed topics, and reach each other. It reads nothing of what they say.',
  )
  .addOption(
    new Option(
      '--listen <multiaddr>',
      'where to listen; may be given more than once (default: /ip4/0.0.0.0/tcp/4001/ws)',
    )
      .env('VESTIBULE_RELAY_LISTEN')
      .default([])
      .argParser(more),
  )
  .addOption(
    new Option(
      '--announce <multiaddr>',
      'the address to give out instead, that of a TLS proxy in front for instance',
    )
      .env('VESTIBULE_RELAY_ANNOUNCE')
      .default([])
      .argParser(more),
  )
  .addOption(
    new Option('--key <file>', 'where its key is kept; without it the address changes at every start').env(
      'VESTIBULE_RELAY_KEY',
    ),
  )
  .parse()
  .opts<{ listen: string[]; announce: string[]; key?: string }>()

try {
  const relay = await createRelay({
    listen: listen.length > 0 ? listen : ['/ip4/0.0.0.0/tcp/4001/ws'],
    ...(announce.length > 0 && { announce }),
    ...(key !== undefined && { privateKey: await readOrMakeSeed(key) }),
  })
  for (const address of relay.addresses) console.log(address)
  const stop = () => void relay.stop()
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}
