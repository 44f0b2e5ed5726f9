import { createRecoveryPhrase, Keyring, Redacted } from '@vestibule/keys'
import { decoderSuite } from '@vestibule/keys/fuzzing'
import { WireError } from '@vestibule/keys/wire'
import { Archive } from '../src/archive/archive-file.ts'
import { verifyArchive } from '../src/archive/import-space.ts'
import { createBatch, emptyHead, type FeedBatch, verifyBatch } from '../src/feed/entry.ts'
import { Feed } from '../src/feed/feed.ts'
import { encodeFork, parseFork, verifyFork } from '../src/feed/fork.ts'
import {
  encodeAdmission,
  MemoryStorage,
  openBackup,
  parseAdmission,
  SigningContext,
  SpaceError,
} from '../src/index.ts'
import { encodeBody, MessageBody, PlacedMessage, SealedEntry, sealBody } from '../src/message.ts'
import { sealEntry } from '../src/read-keys/entry-cipher.ts'
import { HandedKeys, parseHanded } from '../src/read-keys/hand-over.ts'
import { FOUNDING_EPOCH, readKeyToWire } from '../src/read-keys/read-key.ts'
import { ReadKeyRing } from '../src/read-keys/ring.ts'
import { createVault, readKeyWrite, readVault } from '../src/read-keys/ring-records.ts'
import { encodeRecord, parseRecord } from '../src/record.ts'
import { RecoveryAnswer, RecoveryProof } from '../src/recovery/protocol.ts'
import { SpaceFrame } from '../src/replication/frame.ts'
import { parseFrame } from '../src/replication/handshake.ts'
import { parseIntroduction } from '../src/replication/introduction.ts'
import { plainEntry } from './plain-entry.ts'
import { Person, stillClock, World } from './world.ts'

const isRefusal = (error: unknown): boolean => error instanceof SpaceError
const is =
  (...codes: string[]) =>
  (error: unknown): boolean =>
    error instanceof SpaceError && codes.includes(error.code)
const isDamaged = is('STORAGE_CORRUPT', 'UNSUPPORTED_VERSION')

/** A backup whose seal is open: the seal is fuzzed where it is made. */
class Unsealed extends Keyring {
  override async openSealed(_: Uint8Array, content: Uint8Array): Promise<Uint8Array> {
    return content
  }
}

/** An admission as a host makes it, and what is in a backup of the host's. */
const made = (async () => {
  const world = new World()
  const [host, guest] = [await Person.join(world, 'Ada'), await Person.join(world, 'Bob')]
  const space = await host.manager.createSpace({ name: 'Kitchen' })
  const admission = await space.admit(await guest.candidate(), { role: 'EDITOR' })
  const [paper, opened] = [new Keyring(), [] as Uint8Array[]]
  const keys = await paper.importRecoveryKeys(createRecoveryPhrase())
  await host.manager.addRecovery({ keyring: paper, keys })
  const openSealed = paper.openSealed.bind(paper)
  paper.openSealed = async (...args) => {
    const content = await openSealed(...args)
    opened.push(content)
    return content
  }
  await openBackup(await host.manager.exportBackup(), { keyring: paper, keys })
  await space.write('hello')
  const exported: Uint8Array[] = []
  for await (const piece of host.manager.exportSpace(space.key)) exported.push(piece)
  await host.manager.close()
  await guest.manager.close()
  return { ...admission, keys, backups: opened, exported: Buffer.concat(exported) }
})()

decoderSuite('what is in the backup of an identity', async () => {
  const { keys, backups } = await made
  return {
    decode: (input) => openBackup(input, { keyring: new Unsealed(), keys }),
    samples: backups,
    isRefusal: is('TOO_LARGE', 'BAD_BACKUP', 'BAD_ADMISSION', 'MALFORMED', 'UNSUPPORTED_VERSION'),
  }
})

decoderSuite('read keys that are handed over', async () => {
  const keys = (await made).readKeys.map(readKeyToWire)
  return {
    decode: parseHanded,
    samples: [HandedKeys.encode({ keys }), HandedKeys.encode({ keys: [...keys, ...keys] })],
    isRefusal: is('MALFORMED'),
  }
})

/** A vault with one read key, in which one of the two records is replaced. */
async function vault() {
  const keyring = new Keyring()
  const agreementKey = await keyring.createAgreementKey()
  const space = await keyring.createKey()
  const { key, write } = await createVault(space, agreementKey)
  const readKey = { epoch: FOUNDING_EPOCH, key: new Redacted(new Uint8Array(32).fill(1)) }
  const records = [write, readKeyWrite(key, space, readKey, 0)] as const
  const readWith = async (replaced: 0 | 1, value: Uint8Array) => {
    const storage = new MemoryStorage()
    await storage.transact(records.with(replaced, { ...records[replaced], value }))
    // Where the vault is as it was, what opens it is known: that takes a tenth of the time.
    const opened = { openSealed: async () => key.unwrap().slice() }
    return readVault(storage, space, {
      keyring: replaced === 0 ? keyring : opened,
      signingContext: { agreementKey },
    })
  }
  return { readWith, samples: records.map(({ value = new Uint8Array() }) => value) }
}

for (const [at, name] of [
  [0, 'what opens the stored read keys'],
  [1, 'a stored read key'],
] as const)
  decoderSuite(name, async () => {
    const { readWith, samples } = await vault()
    return {
      decode: (input) => readWith(at, input),
      samples: samples.slice(at, at + 1),
      isRefusal: isDamaged,
    }
  })

decoderSuite('the export of a space', async () => ({
  decode: async (input) => verifyArchive(await Archive.open(input, undefined)),
  samples: [(await made).exported],
  isRefusal: is('BAD_EXPORT', 'UNSUPPORTED_VERSION', 'PASSPHRASE_NEEDED'),
}))

decoderSuite('the introduction of a device', async () => {
  const { credentials } = await made
  const [first, ...rest] = credentials.filter(
    ({ claim, issuer, signer }) =>
      claim.type === 'AdmittedFeed' && claim.member === issuer && claim.device === signer,
  )
  if (first === undefined) throw new Error('the host has no feed')
  const peer = { peer: 'a', identityKey: first.issuer, deviceKey: first.signer }
  const introduction = { credentials: [...first.chain, first, ...rest].map(({ encoded }) => encoded) }
  return {
    decode: (input) => parseIntroduction(parseFrame(input).introduction?.credentials ?? [], peer),
    samples: [SpaceFrame.encode({ introduction })],
    isRefusal: is('MALFORMED', 'BAD_INTRODUCTION'),
  }
})

decoderSuite('an admission', async () => ({
  decode: parseAdmission,
  encode: encodeAdmission,
  samples: [encodeAdmission(await made)],
  isRefusal: is('MALFORMED', 'TOO_LARGE', 'UNSUPPORTED_VERSION', 'BAD_ADMISSION'),
}))

decoderSuite('the record of a space', async () => {
  const { spaceKey, hostIdentity } = await made
  const record = { spaceKey, genesisId: 'ab'.repeat(32), controlFeedKey: hostIdentity }
  return {
    decode: parseRecord,
    encode: encodeRecord,
    samples: [
      encodeRecord(record),
      encodeRecord({ ...record, dataFeedKey: hostIdentity, past: [spaceKey, hostIdentity] }),
    ],
    isRefusal: isDamaged,
  }
})

decoderSuite('the record of an identity', async () => {
  const [keyring, storage] = [new Keyring(), new MemoryStorage()]
  await SigningContext.create({ keyring, storage, displayName: 'Ada', clock: stillClock })
  return {
    decode: async (input) => {
      await storage.transact([{ key: 'identity', value: input }])
      return SigningContext.open({ keyring, storage, clock: stillClock })
    },
    samples: [(await storage.get('identity')) ?? new Uint8Array()],
    isRefusal: is('STORAGE_CORRUPT', 'UNSUPPORTED_VERSION', 'NO_IDENTITY'),
  }
})

const keyring = new Keyring()
const key = keyring.importKey(new Uint8Array(32).fill(1))
const batchOf = async (...texts: string[]) => {
  const payloads = texts.map((text, at) => plainEntry(text, at + 1, 5))
  return createBatch(keyring, emptyHead(await key, await key), payloads)
}

decoderSuite('a batch of entries', async () => {
  const feed = await key
  const head = emptyHead(feed, feed)
  const decode = (input: Uint8Array): FeedBatch => {
    const { entries } = parseFrame(input)
    const none = { from: 0, previous: new Uint8Array(32), payloads: [], signature: new Uint8Array(64) }
    return entries?.batch ?? none
  }
  const { batch } = await batchOf('one', 'two')
  return {
    decode: async (input) => verifyBatch(head, decode(input)),
    samples: [SpaceFrame.encode({ entries: { feed: feed.toBytes(), batch } })],
    isRefusal,
  }
})

decoderSuite('a stored feed', async () => {
  const feed = await key
  const storage = new MemoryStorage()
  const opened = await Feed.open(storage, 'feed/', { space: feed, key: feed })
  const writes = await opened.writes(await batchOf('one', 'two'))
  return {
    decode: async (input) => {
      await storage.transact([{ key: 'feed/0000000000000000', value: input }])
      return (await Feed.open(storage, 'feed/', { space: feed, key: feed })).head
    },
    samples: writes.map(({ value }) => value ?? new Uint8Array()),
    isRefusal,
  }
})

decoderSuite('a stored fork', async () => {
  const feed = await key
  const [one, other] = [(await batchOf('one')).batch, (await batchOf('other')).batch]
  return {
    decode: (input) => parseFork(feed, feed, input),
    encode: encodeFork,
    samples: [encodeFork(await verifyFork(feed, feed, { one, other }))],
    isRefusal: isDamaged,
  }
})

decoderSuite('a message', async () => {
  const feed = await key
  const from = { space: feed, feed, member: feed, device: feed }
  const entry = { sequence: 0, hash: new Uint8Array(32) }
  const ring = new ReadKeyRing(feed, new Redacted(new Uint8Array(32)), [
    { epoch: '', key: new Redacted(new Uint8Array(32).fill(2)) },
  ])
  const place = { space: feed, feed, sequence: 0, lamport: 2 ** 40, epoch: '' }
  const bytes = new Uint8Array(30)
  return {
    decode: (payload) => PlacedMessage.of({ ...entry, payload }, from)?.open(ring),
    samples: [
      plainEntry('text', 1, 2),
      plainEntry(bytes, 2 ** 40, 2 ** 40),
      sealBody(encodeBody({ body: 'text', type: 'note', timestampMs: 5 }), place, ring),
      sealBody(encodeBody({ body: bytes, timestampMs: 2 ** 40 }), place, ring),
    ],
    isRefusal: () => false,
  }
})

decoderSuite('what is sealed in a message', async () => {
  const feed = await key
  const from = { space: feed, feed, member: feed, device: feed }
  const entry = { sequence: 0, hash: new Uint8Array(32) }
  const [entryKey, nonce] = [new Redacted(new Uint8Array(32).fill(3)), new Uint8Array(24)]
  const place = { space: feed, feed, sequence: 0, lamport: 7, epoch: '' }
  const sealedAs = (body: Uint8Array): Uint8Array =>
    SealedEntry.encode({
      ...{ version: 2, lamport: 7, epoch: new Uint8Array(), nonce },
      sealed: sealEntry(entryKey, nonce, place, body),
    })
  return {
    decode: (body) =>
      PlacedMessage.of({ ...entry, payload: sealedAs(body) }, from)?.open({ entryKey: () => entryKey }),
    samples: [
      MessageBody.encode({ timestampMs: 5, type: 'note', text: 'text' }),
      MessageBody.encode({ timestampMs: 2 ** 40, bytes: new Uint8Array(30) }),
    ],
    // What is too large for an entry never becomes one.
    isRefusal: (error) => error instanceof WireError && error.code === 'TOO_LARGE',
  }
})

decoderSuite('a frame', async () => {
  const { heads, path } = await made
  const bytes32 = new Uint8Array(32).fill(7)
  const frames: SpaceFrame[] = [
    { hello: { version: 1, nonce: bytes32 } },
    { presentation: new Uint8Array(300) },
    { verdict: 'ACCEPTED', path: { credentials: path.map(({ encoded }) => encoded) } },
    { heads: { heads: heads.map((head) => ({ ...head, feed: head.feed.toBytes() })) } },
    { wants: { wants: [{ feed: bytes32, from: 2 ** 40 }] } },
    { entries: { feed: bytes32, batch: (await batchOf('a')).batch } },
    { settled: 3 },
    { forks: { forks: [{ feed: bytes32, at: 7 }] } },
    { proofsWanted: { feeds: [bytes32] } },
    { fork: { feed: bytes32, one: (await batchOf('a')).batch, other: (await batchOf('b')).batch } },
    { probe: { feed: bytes32, from: 9 } },
    { branch: { feed: bytes32, batch: (await batchOf('a')).batch } },
  ]
  return { decode: parseFrame, samples: frames.map(SpaceFrame.encode), isRefusal: is('MALFORMED') }
})

const recoveryMessages = [
  ['the proof of a recovery', RecoveryProof, { version: 1, signature: new Uint8Array(64).fill(1) }],
  [
    'an answer to a recovery',
    RecoveryAnswer,
    { version: 1, nonce: new Uint8Array(32), found: new Uint8Array(90) },
  ],
] as const
for (const [name, type, sample] of recoveryMessages)
  decoderSuite(name, () => ({
    decode: (input: Uint8Array): unknown => type.parseLenient(input),
    samples: [(type.encode as (value: unknown) => Uint8Array)(sample)],
    isRefusal: (error: unknown) => error instanceof WireError,
  }))
