import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { RecordEnvelope } from '@libp2p/peer-record'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { NetworkError } from '../src/errors.ts'
import { type Channel, systemClock } from '../src/index.ts'
import { serveRequests, serveWatch } from '../src/rendezvous/server.ts'
import {
  RENDEZVOUS_STATUS,
  RendezvousClient,
  RendezvousMessage,
  RendezvousRegistry,
  signPeerRecord,
  verifyPeerRecord,
} from '../src/rendezvous.ts'
import { memoryChannelPair, NO_FAULTS } from '../src/testing/memory-channel.ts'
import { seededRandom, VirtualClock } from '../src/testing.ts'

const ADDRESS = '/ip4/192.0.2.1/tcp/4001/ws'

async function identity(fill: number) {
  const key = await generateKeyPairFromSeed('Ed25519', new Uint8Array(32).fill(fill))
  return {
    key,
    peer: peerIdFromPublicKey(key.publicKey).toString(),
    record: (addresses: readonly string[] = [ADDRESS], seq = 1n) => signPeerRecord(key, addresses, seq),
  }
}

describe('the wire format', () => {
  // Written out by hand from the specification's protobuf: field number and wire type, length, value.
  const golden: readonly [string, RendezvousMessage, string][] = [
    [
      'REGISTER',
      { type: 0, register: { ns: 'my-app', signedPeerRecord: new Uint8Array([1, 2, 3]), ttl: 7_200 } },
      '0800' + '1210' + '0a066d792d617070' + '1203010203' + '18a038',
    ],
    [
      'REGISTER_RESPONSE',
      { type: 1, registerResponse: { status: 0, ttl: 7_200 } },
      '0801' + '1a05' + '0800' + '18a038',
    ],
    [
      'REGISTER_RESPONSE that refuses',
      { type: 1, registerResponse: { status: 102, statusText: 'no' } },
      '0801' + '1a06' + '0866' + '12026e6f',
    ],
    ['UNREGISTER', { type: 2, unregister: { ns: 'my-app' } }, '0802' + '2208' + '0a066d792d617070'],
    [
      'DISCOVER',
      { type: 3, discover: { ns: 'my-app', limit: 100, cookie: new Uint8Array([9]) } },
      '0803' + '2a0d' + '0a066d792d617070' + '1064' + '1a0109',
    ],
    [
      'DISCOVER_RESPONSE',
      {
        type: 4,
        discoverResponse: {
          registrations: [{ ns: 'a', signedPeerRecord: new Uint8Array([5]), ttl: 1 }],
          cookie: new Uint8Array([9]),
          status: 0,
        },
      },
      '0804' + '320f' + '0a08' + '0a0161' + '120105' + '1801' + '120109' + '1800',
    ],
  ]

  for (const [name, value, hex] of golden) {
    test(`${name} has the bytes of the specification`, () => {
      expect(bytesToHex(RendezvousMessage.encode(value))).toBe(hex)
      expect(RendezvousMessage.parseLenient(hexToBytes(hex))).toEqual(value)
    })
  }

  test('fields that a later version adds are passed over', () => {
    const later = hexToBytes('0802' + '2208' + '0a066d792d617070' + '3a03aabbcc')
    expect(RendezvousMessage.parseLenient(later)).toEqual({ type: 2, unregister: { ns: 'my-app' } })
  })

  test('arbitrary bytes are a message or a WireError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          RendezvousMessage.parseLenient(bytes)
        } catch (error) {
          expect((error as Error).name).toBe('WireError')
        }
      }),
    )
  })
})

describe('a signed peer record', () => {
  test('says whose addresses these are', async () => {
    const { peer, record } = await identity(1)
    expect(await verifyPeerRecord(await record())).toEqual({ peer, addresses: [ADDRESS], seq: 1n })
  })

  test('is the same bytes for the same key, addresses and number', async () => {
    const { record } = await identity(1)
    // Checked against js-libp2p's own reader; kept, because others have records like this one.
    expect(bytesToHex(await record()).slice(0, 80)).toBe(
      '0a24080112208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c1202',
    )
    expect(await record()).toEqual(await record())
  })

  test('never says anything else with one bit changed', async () => {
    const { record } = await identity(1)
    const good = await record()
    const said = await verifyPeerRecord(good)
    let refused = 0
    for (let i = 0; i < good.length; i++) {
      const bad = good.slice()
      bad[i] = (bad[i] ?? 0) ^ 1
      // The envelope around what is signed may be written in more than one way.
      const result = await verifyPeerRecord(bad).catch((error: NetworkError) => error.code)
      if (result === 'MALFORMED') refused++
      else expect(result, `byte ${i}`).toEqual(said)
    }
    expect(refused).toBeGreaterThan(good.length - 8)
  })

  test('is refused when another peer signed it', async () => {
    const [one, two] = [await identity(1), await identity(2)]
    const envelope = RecordEnvelope.createFromProtobuf(await one.record())
    const forged = await RecordEnvelope.seal(
      {
        domain: 'libp2p-peer-record',
        codec: envelope.payloadType,
        marshal: () => envelope.payload,
        equals: () => false,
      },
      two.key,
    )
    await expect(verifyPeerRecord(forged.marshal())).rejects.toMatchObject({ code: 'MALFORMED' })
  })

  test('is refused when it was signed for another purpose', async () => {
    const { key, record } = await identity(1)
    const envelope = RecordEnvelope.createFromProtobuf(await record())
    const { payload, payloadType } = envelope
    for (const [domain, codec] of [
      ['another-domain', payloadType],
      ['libp2p-peer-record', new Uint8Array([1])],
    ] as const) {
      const other = await RecordEnvelope.seal(
        { domain, codec, marshal: () => payload, equals: () => false },
        key,
      )
      await expect(verifyPeerRecord(other.marshal())).rejects.toMatchObject({ code: 'MALFORMED' })
    }
  })
})

/** A client and a server on channels in memory. */
async function exchange(options: { readonly fill?: number; readonly watch?: boolean } = {}) {
  const clock = new VirtualClock()
  const random = seededRandom(1)
  const registry = new RendezvousRegistry(clock)
  const self = await identity(options.fill ?? 1)
  const open = async (protocol: string): Promise<Channel> => {
    const watch = protocol.includes('watch')
    if (watch && options.watch === false) throw new NetworkError('REFUSED', 'does not speak it')
    const [near, far] = memoryChannelPair(self.peer, 'server', { clock, random, faults: () => NO_FAULTS })
    const serve = watch ? serveWatch : serveRequests
    serve(far, registry).catch(() => far.abort())
    return near
  }
  const as = (who: { peer: string; record: () => Promise<Uint8Array> }) =>
    new RendezvousClient({
      open: async () => {
        const [near, far] = memoryChannelPair(who.peer, 'server', { clock, random, faults: () => NO_FAULTS })
        serveRequests(far, registry).catch(() => far.abort())
        return near
      },
      record: who.record,
      clock,
      random,
    })
  const client = new RendezvousClient({ open, record: () => self.record(), clock, random })
  return { clock, registry, client, open, self, as }
}

describe('client and server', () => {
  test('whoever registers is discovered, until unregistering', async () => {
    const { client, self, registry } = await exchange()
    expect(await client.register('my-app')).toBe(7_200)
    const { registrations } = await client.discover('my-app')
    expect(registrations).toEqual([{ peer: self.peer, addresses: [ADDRESS], seq: 1n, ttlS: 7_200 }])
    await client.unregister('my-app')
    expect((await client.discover('my-app')).registrations).toEqual([])
    registry.clear()
  })

  test('a registration ends with its time', async () => {
    const { client, clock, registry } = await exchange()
    await client.register('my-app', { ttlS: 60 })
    await clock.advance(59_000)
    expect((await client.discover('my-app')).registrations).toMatchObject([{ ttlS: 1 }])
    await clock.advance(1_000)
    expect((await client.discover('my-app')).registrations).toEqual([])
    await clock.advance(120_000)
    expect(registry.size).toBe(0)
    expect(clock.pending).toBe(0)
  })

  test('a cookie gives what is new since, and is refused elsewhere', async () => {
    const { client, as, registry } = await exchange()
    await client.register('my-app')
    const first = await client.discover('my-app')
    expect((await client.discover('my-app', { cookie: first.cookie })).registrations).toEqual([])
    const second = await identity(2)
    await as(second).register('my-app')
    expect((await client.discover('my-app', { cookie: first.cookie })).registrations).toMatchObject([
      { peer: second.peer },
    ])
    for (const [namespace, cookie] of [
      ['other-app', first.cookie],
      ['my-app', new Uint8Array([1, 2, 3])],
    ] as const)
      await expect(client.discover(namespace, { cookie })).rejects.toThrow('103')
    registry.clear()
  })

  test('a list longer than a page is read to its end', async () => {
    const { client, registry } = await exchange()
    const { record } = await identity(1)
    const bytes = await record()
    for (let i = 0; i < 450; i++) registry.register(`peer-${i}`, 'my-app', bytes)
    expect((await client.discover('my-app')).registrations).toHaveLength(450)
    registry.clear()
  })

  test('records that do not verify are left out of what is found', async () => {
    const { client, registry } = await exchange()
    registry.register('liar', 'my-app', new Uint8Array([1, 2, 3]))
    await client.register('my-app')
    expect((await client.discover('my-app')).registrations).toHaveLength(1)
    registry.clear()
  })

  test('one who waits is told of a new registration, and not of a renewal', async () => {
    const { client, as, clock, registry } = await exchange()
    const found: string[] = []
    const controller = new AbortController()
    const watching = client.watch('my-app', (list) => found.push(...list.map(({ peer }) => peer)), {
      signal: controller.signal,
    })
    const second = await identity(2)
    await clock.advance(0)
    for (let i = 0; i < 3; i++) await as(second).register('my-app')
    await clock.advance(0)
    expect(found).toEqual([second.peer])
    controller.abort(new Error('enough'))
    await expect(watching).rejects.toThrow('enough')
    registry.clear()
    expect(clock.pending).toBe(0)
  })

  test('a server that cannot announce is asked again, less and less often', async () => {
    const { client, as, clock, registry } = await exchange({ watch: false })
    const found: string[] = []
    const controller = new AbortController()
    const watching = client.watch('my-app', (list) => found.push(...list.map(({ peer }) => peer)), {
      signal: controller.signal,
    })
    await clock.advance(10 * 60_000)
    const second = await identity(2)
    await as(second).register('my-app')
    await clock.advance(30_000)
    expect(found).toEqual([second.peer])
    controller.abort(new Error('enough'))
    await expect(watching).rejects.toThrow('enough')
    registry.clear()
    expect(clock.pending).toBe(0)
  })

  test('a server that ends its stream after every answer is served by new streams', async () => {
    const { clock, registry, self } = await exchange()
    let streams = 0
    const client = new RendezvousClient({
      open: async () => {
        streams++
        const conditions = { clock, random: seededRandom(1), faults: () => NO_FAULTS }
        const [near, far] = memoryChannelPair(self.peer, 'server', conditions)
        const request = RendezvousMessage.parseLenient
        void far.receive().then(async (frame) => {
          const { register } = request(frame)
          const registerResponse = { status: 0, ttl: register?.ttl ?? 0 }
          await far.send(RendezvousMessage.encode({ type: 1, registerResponse }))
          await far.close()
        })
        return near
      },
      record: () => self.record(),
      clock,
      random: seededRandom(1),
    })
    for (let i = 0; i < 3; i++) expect(await client.register('my-app')).toBe(7_200)
    expect(streams).toBe(3)
    registry.clear()
  })
})

describe('what a server refuses', () => {
  const ask = async (message: RendezvousMessage, fill = 1) => {
    const { open, registry } = await exchange({ fill })
    const channel = await open('/rendezvous/1.0.0')
    await channel.send(RendezvousMessage.encode(message))
    const answer = RendezvousMessage.parseLenient(await channel.receive())
    await channel.close()
    const size = registry.size
    registry.clear()
    return { status: (answer.registerResponse ?? answer.discoverResponse)?.status, size }
  }
  const register = async (change: NonNullable<RendezvousMessage['register']>, fill = 1) =>
    ask(
      { type: 0, register: { ns: 'a', signedPeerRecord: await (await identity(1)).record(), ...change } },
      fill,
    )

  test('nothing, if all is well', async () => {
    expect(await register({})).toEqual({ status: RENDEZVOUS_STATUS.OK, size: 1 })
  })

  test('a namespace that is empty or longer than 255 bytes', async () => {
    for (const ns of ['', 'x'.repeat(256), 'ä'.repeat(128)])
      expect(await register({ ns })).toEqual({ status: RENDEZVOUS_STATUS.INVALID_NAMESPACE, size: 0 })
    expect(await register({ ns: 'x'.repeat(255) })).toMatchObject({ size: 1 })
  })

  test('a record that is missing, broken, or too long', async () => {
    const long = await (await identity(1)).record(
      Array.from({ length: 300 }, (_, i) => `/ip4/192.0.2.1/tcp/${i}/ws`),
    )
    for (const signedPeerRecord of [new Uint8Array(0), new Uint8Array(100), long])
      expect(await register({ signedPeerRecord })).toEqual({
        status: RENDEZVOUS_STATUS.INVALID_SIGNED_PEER_RECORD,
        size: 0,
      })
  })

  test('a record of another peer than the one who registers', async () => {
    expect(await register({}, 2)).toEqual({ status: RENDEZVOUS_STATUS.INVALID_SIGNED_PEER_RECORD, size: 0 })
  })

  test('a time to live over 72 hours, or of none', async () => {
    for (const ttl of [0, 72 * 3_600 + 1])
      expect(await register({ ttl })).toEqual({ status: RENDEZVOUS_STATUS.INVALID_TTL, size: 0 })
    expect(await register({ ttl: 72 * 3_600 })).toMatchObject({ size: 1 })
  })

  test('to list all namespaces', async () => {
    expect((await ask({ type: 3, discover: {} })).status).toBe(RENDEZVOUS_STATUS.INVALID_NAMESPACE)
  })

  test('the 1,001st registration of a peer, and any when it is full', () => {
    const clock = new VirtualClock()
    const registry = new RendezvousRegistry(clock, { registrations: 1_500 })
    const record = new Uint8Array(1)
    for (let i = 0; i < 1_000; i++) expect(registry.register('one', `ns-${i}`, record)).toBe(7_200)
    expect(registry.register('one', 'one more', record)).toBe('NOT_AUTHORIZED')
    expect(registry.register('one', 'ns-1', record), 'a renewal').toBe(7_200)
    for (let i = 0; i < 500; i++) registry.register(`peer-${i}`, 'a', record)
    expect(registry.register('two', 'a', record)).toBe('UNAVAILABLE')
    registry.clear()
    expect(clock.pending).toBe(0)
  })

  test('more who wait than it has room for', () => {
    const registry = new RendezvousRegistry(systemClock, { watches: 2 })
    const stop = registry.watch('a', () => undefined)
    registry.watch('a', () => undefined)
    expect(registry.watch('b', () => undefined)).toBe('UNAVAILABLE')
    if (typeof stop === 'function') stop()
    expect(registry.watch('b', () => undefined)).toBeTypeOf('function')
  })

  test('a message that is none, or too long, by ending the stream', async () => {
    for (const frame of [
      new Uint8Array([0xff]),
      new Uint8Array(8_193),
      RendezvousMessage.encode({ type: 9 }),
    ]) {
      const { open, registry } = await exchange()
      const channel = await open('/rendezvous/1.0.0')
      await channel.send(frame)
      expect(await channel.ended).toBe('aborted')
      registry.clear()
    }
  })
})
