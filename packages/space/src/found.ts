import { randomBytes } from '@noble/hashes/utils.js'
import { issueCredential, MAX_NAME_BYTES } from '@vestibule/credentials'
import { type Keyring, type PublicKey, Redacted } from '@vestibule/keys'
import type { Clock } from '@vestibule/network'
import { admitOwnFeed } from './admission/own-feed.ts'
import { createBatch, emptyHead } from './feed/entry.ts'
import { Feed } from './feed/feed.ts'
import { withFreshKeys } from './fresh-keys.ts'
import type { SigningContext } from './identity/signing-context.ts'
import { FOUNDING_EPOCH, READ_KEY_BYTES } from './read-keys/read-key.ts'
import { ReadKeyRing } from './read-keys/ring.ts'
import { encodeRecord, type SpaceRecord, storageKeys } from './record.ts'
import { MemoryStorage } from './storage/memory-storage.ts'
import type { StorageWrite } from './storage/storage.ts'

interface Founder {
  readonly keyring: Keyring
  readonly signingContext: SigningContext
  readonly clock: Clock
}

/**
 * Makes a space: its key signs the genesis and the founder's grant and is destroyed before anything is stored; the
 * founder's device admits its two feeds. Gives what has to be stored, and takes its keys back when that fails.
 *
 * @param options `isOwn`: whether it is to be the founder's own space
 */
export async function found(
  founder: Founder,
  name: string,
  store: (writes: StorageWrite[]) => Promise<void>,
  options: { readonly isOwn?: boolean } = {},
) {
  if (new TextEncoder().encode(name).length > MAX_NAME_BYTES)
    throw new TypeError(`the name of a space has at most ${MAX_NAME_BYTES} bytes of UTF-8`)
  return withFreshKeys(founder.keyring, async (createKey) => {
    const { identityKey: identity } = founder.signingContext
    const named = { name, ...(options.isOwn === true && { identity }) }
    const record = await prepare(founder, named, await createKey(), await createKey(), await createKey())
    await store(record.writes)
    return record.record
  })
}

async function prepare(
  { keyring, signingContext, clock }: Founder,
  named: { readonly name: string; readonly identity?: PublicKey },
  space: PublicKey,
  controlFeedKey: PublicKey,
  dataFeedKey: PublicKey,
): Promise<{ record: SpaceRecord; writes: StorageWrite[] }> {
  const { identityKey: member, profile, chain } = signingContext
  const bySpace = { signer: keyring, issuer: space, issuedAtMs: clock.now() }
  const genesis = await issueCredential({ ...bySpace, claim: { type: 'SpaceGenesis', space, ...named } })
  const founder = await issueCredential({
    ...bySpace,
    claim: { type: 'SpaceMember', space, member, role: 'OWNER', profile },
    parents: [genesis.id],
  })
  await keyring.deleteKey(space)
  const own = { keyring, signingContext }
  const after = [founder.id, ...chain.map(({ id }) => id)]
  const control = await admitOwnFeed(own, { space, feed: controlFeedKey, purpose: 'CONTROL' }, after)
  const data = await admitOwnFeed(own, { space, feed: dataFeedKey, purpose: 'DATA' }, [control.id])
  const payloads = [genesis, founder, ...chain, control, data].map(({ encoded }) => encoded)
  const run = await createBatch(keyring, emptyHead(space, controlFeedKey), payloads)
  const prefix = storageKeys.feed(space, controlFeedKey)
  const feed = await Feed.open(new MemoryStorage(), prefix, { space, key: controlFeedKey })
  const record: SpaceRecord = {
    spaceKey: space,
    genesisId: genesis.id,
    controlFeedKey,
    dataFeedKey,
  }
  const ring = await ReadKeyRing.create(space, signingContext.agreementKey)
  const founding = { epoch: FOUNDING_EPOCH, key: new Redacted(randomBytes(READ_KEY_BYTES)) }
  return {
    record,
    writes: [
      { key: storageKeys.record(space), value: encodeRecord(record) },
      ...(await feed.writes(run)),
      ...ring.writes([founding]),
    ],
  }
}
