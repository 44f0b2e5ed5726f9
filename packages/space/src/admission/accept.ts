import { CredentialsError, isAtLeast, type Role, verifyAdmission } from '@vestibule/credentials'
import type { Keyring, PublicKey } from '@vestibule/keys'
import { SpaceError } from '../error.ts'
import { verifyBatch } from '../feed/entry.ts'
import { Feed } from '../feed/feed.ts'
import type { SigningContext } from '../identity/signing-context.ts'
import { ReadKeyRing } from '../read-keys/ring.ts'
import { firstTopics } from '../read-keys/topics.ts'
import { encodeRecord, type SpaceRecord, storageKeys } from '../record.ts'
import { SpaceStore } from '../space-store.ts'
import { MemoryStorage } from '../storage/memory-storage.ts'
import { StagedStorage } from '../storage/staged-storage.ts'
import type { StorageWrite } from '../storage/storage.ts'
import { encodeAdmission, genesisIdOf, type SpaceAdmission } from './admission.ts'

/** What a guest knows about the admission that it waits for. */
export interface AcceptOptions {
  /** The own control feed, whose key the keyring holds; it was named to the host. */
  readonly controlFeedKey: PublicKey
  /** The own data feed, likewise. Not used by a reader. */
  readonly dataFeedKey: PublicKey
  /** The id of the genesis, where it is known. An invitation's commitment is for its caller to check. */
  readonly genesisId?: string
  /** The role that was promised. */
  readonly role?: Role
  /** Multiaddrs at which members may be, for example those of the host; dialled beside what relays know. */
  readonly addresses?: readonly string[]
  /** Written in the same transaction. */
  readonly alsoWrite?: readonly StorageWrite[]
}

/**
 * Checks an admission as far as it can be checked. Nothing is written: the space is put together in memory, from the
 * very records that will be stored, and looked at. It is the caller's to commit.
 *
 * @throws SpaceError `BAD_ADMISSION`, or what is wrong with a feed in it
 */
export async function prepareAcceptance(
  admission: SpaceAdmission,
  options: AcceptOptions,
  own: { readonly keyring: Keyring; readonly signingContext: SigningContext },
): Promise<{ store: SpaceStore; staged: StagedStorage }> {
  const genesisId = genesisIdOf(admission)
  const role = checkPath(admission, genesisId, options, own.signingContext.identityKey)
  checkOwnFeeds(admission, role, options, own.signingContext)
  const epochs = new Set(admission.readKeys.map(({ epoch }) => epoch))
  if (epochs.size === 0 || epochs.size !== admission.readKeys.length)
    throw bad('read keys missing, or two of one epoch')
  const writes = isAtLeast(role, 'EDITOR')
  for (const key of writes ? [options.controlFeedKey, options.dataFeedKey] : [options.controlFeedKey])
    if (!(await own.keyring.has(key))) throw bad('the keyring does not hold the key of the own feed')

  const record: SpaceRecord = {
    spaceKey: admission.spaceKey,
    genesisId,
    controlFeedKey: options.controlFeedKey,
    ...(writes && { dataFeedKey: options.dataFeedKey }),
  }
  const ring = await ReadKeyRing.create(record.spaceKey, own.signingContext.agreementKey)
  const all = [
    { key: storageKeys.record(record.spaceKey), value: encodeRecord(record) },
    // The read keys and the feeds are beside it.
    {
      key: storageKeys.admission(record.spaceKey),
      value: encodeAdmission({ ...admission, controlFeeds: [], readKeys: [] }),
    },
    ...ring.writes(admission.readKeys),
    ...(await feedWrites(admission)),
  ]
  const staged = await StagedStorage.of(all)
  ring.add(admission.readKeys)
  const store = await SpaceStore.open(staged, record, ring, {
    member: own.signingContext.identityKey,
    device: own.signingContext.deviceKey,
  })
  checkStore(store, admission, own.signingContext.identityKey, role)
  await staged.transact([firstTopics(store)])
  return { store, staged }
}

function checkPath(
  { path, spaceKey: space }: SpaceAdmission,
  genesisId: string,
  promised: AcceptOptions,
  member: PublicKey,
): Role {
  const grant = path.at(-1)?.claim
  if (grant?.type !== 'SpaceMember' && grant?.type !== 'ChangedRole') throw bad('no grant')
  if (promised.genesisId !== undefined && promised.genesisId !== genesisId)
    throw bad('another genesis than was promised')
  const role = promised.role ?? grant.role
  try {
    verifyAdmission(path, { space, genesisId, member, role })
  } catch (cause) {
    if (!(cause instanceof CredentialsError)) throw cause
    throw new SpaceError('BAD_ADMISSION', cause.message, { cause })
  }
  return role
}

/** The host has to have admitted exactly the feeds that it was told, for this device. */
function checkOwnFeeds(
  { credentials, path, spaceKey }: SpaceAdmission,
  role: Role,
  { controlFeedKey, dataFeedKey }: AcceptOptions,
  { identityKey, deviceKey }: SigningContext,
): void {
  const isAdmitted = (feed: PublicKey, purpose: 'CONTROL' | 'DATA'): boolean =>
    credentials.some(
      ({ claim, issuer }) =>
        claim.type === 'AdmittedFeed' &&
        claim.space === spaceKey &&
        claim.member === identityKey &&
        claim.device === deviceKey &&
        claim.feed === feed &&
        claim.purpose === purpose &&
        (issuer === path.at(-1)?.issuer || issuer === identityKey),
    )
  if (!isAdmitted(controlFeedKey, 'CONTROL')) throw bad('the own control feed is not admitted')
  if (isAtLeast(role, 'EDITOR') && !isAdmitted(dataFeedKey, 'DATA'))
    throw bad('the own data feed is not admitted')
}

async function feedWrites({ controlFeeds, spaceKey }: SpaceAdmission): Promise<StorageWrite[]> {
  const storage = new MemoryStorage()
  for (const { feed: key, batches } of controlFeeds) {
    const feed = await Feed.open(storage, storageKeys.feed(spaceKey, key), { space: spaceKey, key })
    for (const batch of batches) {
      const run = await verifyBatch(feed.head, batch)
      if (run.entries.length === 0) continue
      await storage.transact(await feed.writes(run))
      feed.advance(run)
    }
  }
  return (await storage.list('')).map(([key, value]) => ({ key, value }))
}

function checkStore(
  { roster, record }: SpaceStore,
  admission: SpaceAdmission,
  identity: PublicKey,
  role: Role,
): void {
  const others = admission.controlFeeds.filter(({ feed }) => feed !== record.controlFeedKey)
  if (others.length > 0 && roster.provisional) throw bad('the grant does not follow from the control feeds')
  for (const { feed } of admission.controlFeeds)
    if (roster.feed(feed)?.purpose !== 'CONTROL') throw bad('a control feed that is not admitted')
  if (roster.roleOf(identity) !== role) throw bad('the grant does not count in the space')
  if (roster.roleOf(admission.hostIdentity) === undefined) throw bad('the host is no member')
  for (const key of [record.controlFeedKey, record.dataFeedKey])
    if (key !== undefined && roster.feed(key)?.member !== identity) throw bad('the own feeds do not count')
}

const bad = (what: string): SpaceError => new SpaceError('BAD_ADMISSION', what)
