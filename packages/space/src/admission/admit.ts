import {
  type Credential,
  isAtLeast,
  type Member,
  type Profile,
  type Role,
  verifyFeedProof,
} from '@vestibule/credentials'
import { equalBytes, type Keyring, type PublicKey } from '@vestibule/keys'
import { mayServe } from '../delegation/delegation.ts'
import { SpaceError } from '../error.ts'
import type { FeedBatch } from '../feed/entry.ts'
import type { Feed } from '../feed/feed.ts'
import { speaksFor } from '../identity/identity-record.ts'
import type { SigningContext } from '../identity/signing-context.ts'
import { atMost, heldInOrder } from '../read-keys/current.ts'
import { createEpoch, type NewEpoch } from '../read-keys/epoch-claim.ts'
import { FOUNDING_EPOCH, type ReadKey } from '../read-keys/read-key.ts'
import type { SpaceStore } from '../space-store.ts'
import type { StorageWrite } from '../storage/storage.ts'
import {
  encodeAdmission,
  type FeedContent,
  MAX_ADMISSION_BYTES,
  MAX_READ_KEYS,
  type SpaceAdmission,
} from './admission.ts'

/** Whoever is to be admitted. That it holds these keys has been proven to the caller. */
export interface Candidate {
  readonly identityKey: PublicKey
  /** From the device's `AuthorizedDevice` up to the identity, verified. */
  readonly chain: readonly Credential[]
  readonly deviceKey: PublicKey
  /** X25519 public key of the device, 32 bytes. */
  readonly agreementKey: Uint8Array
  readonly controlFeedKey: PublicKey
  /** What `proveFeed` gave for it. Unlike other proofs it stays: every member verifies it. */
  readonly controlFeedProof: Uint8Array
  readonly dataFeedKey: PublicKey
  /** Likewise. */
  readonly dataFeedProof: Uint8Array
  readonly profile: Profile
}

/** How somebody is admitted. */
export interface AdmitOptions {
  readonly role: Role
  /** 16 bytes. */
  readonly invitationId?: Uint8Array
  /** The id of the `DelegatedInvitation` that is redeemed: its role and history are to be given, and the own role above it. */
  readonly delegation?: string
  /** {@link Space.heads} when the invitation was made. It admits nobody who was removed without its author knowing. */
  readonly invitedAfter?: readonly string[]
  /**
   * `none`: the member reads only what is written from here on. The read key is renewed in the same transaction, and of the
   * others none is given to it, by nobody; what it can't read it stores and forwards. With `all`, or left out, it reads what
   * its host may read.
   */
  readonly history?: 'all' | 'none'
  /** Written in the same transaction, so that an invitation's record and the admission can't disagree. */
  readonly alsoWrite?: readonly StorageWrite[]
}

/** Control feeds of one member, so that coming back again and again does not fill the space. */
const MAX_CONTROL_FEEDS = 8
/** Devices of a member that another device of theirs is told of at once. */
const MAX_DEVICES = 32
/** Control feeds of up to so many bytes come with an admission; the guest checks all of it before it is a member. */
const MAX_INLINE_BYTES = 32 * 1024
/** Heads that are named in an admission, which has to stay small. */
const MAX_HEADS = 512

interface Host {
  readonly store: SpaceStore
  readonly keyring: Keyring
  readonly signingContext: SigningContext
}

/**
 * Admits a member by the own word, or gives the admission of one who is a member already once more: as it was, or
 * with other feeds. Inside the store's serial. On failure nothing has changed, neither in memory nor in the storage.
 */
export async function admit(
  host: Host,
  candidate: Candidate,
  options: AdmitOptions,
): Promise<SpaceAdmission> {
  const { store, keyring, signingContext } = host
  const { membership } = store.roster
  await checkCandidate(candidate)
  const existing = membership.members().get(candidate.identityKey)
  const known = membership.feeds().get(candidate.controlFeedKey)
  if (existing !== undefined && known?.member === candidate.identityKey && known.purpose === 'CONTROL') {
    if (options.alsoWrite !== undefined) await store.write(options.alsoWrite)
    const path = membership.admissionPath(existing.since)
    const again = admissionOf(host, path, [], readableBy(host, candidate.identityKey))
    return withControlFeeds(store, again, MAX_INLINE_BYTES)
  }
  for (const key of [candidate.controlFeedKey, candidate.dataFeedKey])
    if (membership.feeds().has(key)) throw new SpaceError('BAD_CANDIDATE', 'a feed that is admitted already')
  if (existing !== undefined) checkReadmission(host, candidate, existing, options.role)
  else if (options.delegation !== undefined) checkDelegation(host, options)
  else if (!membership.may(signingContext.identityKey, options.role))
    throw new SpaceError('NOT_ALLOWED', `the own role does not allow to admit at ${options.role}`)
  if (existing === undefined && options.invitationId !== undefined) checkInvitation(host, candidate, options)

  const chain = chainToPublish(host, candidate)
  const grant = existing === undefined ? [await issueGrant(host, candidate, options)] : []
  const isBare = grant.length > 0 && options.history === 'none'
  const epoch = isBare ? await issueEpoch(host, [...chain, ...grant]) : undefined
  const fresh = epoch === undefined ? grant : [...grant, epoch.credential]
  const after = grant.length > 0 ? fresh.slice(-1).map(({ id }) => id) : store.parentsOfNext()
  const named = candidate.chain.map(({ id }) => id)
  const feeds = await issueFeeds(host, candidate, options.role, [...new Set([...after, ...named])])
  const path =
    existing === undefined ? [...pathToOwnGrant(host), ...grant] : membership.admissionPath(existing.since)
  // Whom it gives the history has it as far as its host.
  const reader = existing === undefined ? signingContext.identityKey : candidate.identityKey
  const readKeys = epoch === undefined ? readableBy(host, reader) : [epoch.readKey]
  const admission = admissionOf(host, path, [...chain, ...feeds], readKeys)
  // What does not fit would be found out only after the guest is a member.
  encodeAdmission(admission)
  await store.append(
    keyring,
    store.record.controlFeedKey,
    [...chain, ...fresh, ...feeds].map(({ encoded }) => encoded),
    [...(options.alsoWrite ?? []), ...(epoch === undefined ? [] : store.readKeys.stage(epoch.readKey))],
  )
  return withControlFeeds(store, { ...admission, heads: headsOf(store) }, MAX_INLINE_BYTES)
}

/**
 * What another device of a member needs: the line to that member's grant and everything that is known with it, with the
 * read keys that it may have.
 * @throws SpaceError `NOT_A_MEMBER`; `READ_KEY_MISSING` when none of those is here
 */
export function admissionFor(host: Host, identity: PublicKey): Promise<SpaceAdmission> {
  const path = host.store.roster.pathOf(identity)
  if (path.length === 0) throw new SpaceError('NOT_A_MEMBER', 'this identity is not a member')
  const isOwn = identity === host.signingContext.identityKey
  const readKeys = isOwn ? heldInOrder(host.store) : readableBy(host, identity)
  if (readKeys.length === 0)
    throw new SpaceError('READ_KEY_MISSING', 'no read key has come here that this identity may have')
  return withControlFeeds(host.store, admissionOf(host, path, devicesOf(host, identity), readKeys))
}

/** The read keys here that a member may be given with what admits it. */
const readableBy = ({ store }: Host, identity: PublicKey): ReadKey[] =>
  heldInOrder(store).filter(({ epoch }) =>
    store.roster.membership.mayRead(identity, epoch === FOUNDING_EPOCH ? undefined : epoch),
  )

/** What is written from an admission on is sealed by another read key. */
async function issueEpoch(host: Host, after: readonly Credential[]): Promise<NewEpoch> {
  const epoch = await createEpoch(host, after)
  if (epoch === undefined)
    throw new SpaceError('NOT_ALLOWED', 'the own role does not allow to renew the read key')
  return epoch
}

/** What named the devices of a member, revoked ones too: feeds that they had are admitted behind it. */
const devicesOf = ({ store }: Host, identity: PublicKey): Credential[] =>
  store.roster.membership
    .devicesOf(identity)
    .slice(0, MAX_DEVICES)
    .map(({ authorized }) => authorized)

/**
 * What goes into the list of an identity's spaces for its other devices: without the history, and no longer than there is
 * room for.
 * @returns the encoded admission with the number of its read keys; `undefined` when the own grant is not known here
 */
export function listedAdmission(
  host: Host,
  maxBytes: number,
): { readonly admission: Uint8Array; readonly readKeys: number } | undefined {
  const { identityKey } = host.signingContext
  const path = host.store.roster.pathOf(identityKey)
  if (path.length === 0) return undefined
  const whole = admissionOf(host, path, devicesOf(host, identityKey), heldInOrder(host.store))
  const readKeys = whole.readKeys.length
  // Whoever has the first feeds finds the others there.
  for (let heads = whole.heads; ; heads = heads.slice(0, heads.length >> 1)) {
    const admission = encodeAdmission({ ...whole, heads })
    if (admission.length <= maxBytes) return { admission, readKeys }
    if (heads.length === 0)
      throw new SpaceError('TOO_LARGE', `an admission of ${admission.length} bytes for the own devices`)
  }
}

/**
 * Somebody who was admitted here and comes with other feeds has lost what it was admitted with, its answer or its
 * storage. Whoever gave the grant may admit further feeds under it, so it gets in again, as the same member.
 */
function checkReadmission(
  { store, signingContext }: Host,
  { identityKey }: Candidate,
  existing: Member,
  role: Role,
): void {
  const { membership } = store.roster
  const own = [...membership.feeds().values()].filter(
    ({ member, purpose }) => member === identityKey && purpose === 'CONTROL',
  )
  const { identityKey: self } = signingContext
  const granted = membership.get(existing.since)?.issuer === self && membership.may(self, role)
  if (!granted || existing.role !== role || own.length >= MAX_CONTROL_FEEDS)
    throw new SpaceError('ALREADY_MEMBER', 'already a member, with another control feed')
}

/** A delegated invitation admits only as long as it may be served, and by whoever may serve it. */
function checkDelegation({ store, signingContext }: Host, { delegation = '', role }: AdmitOptions): void {
  const { membership } = store.roster
  const standing = membership.invitation(delegation)
  if (standing?.claim.role !== role || standing.ended !== undefined)
    throw new SpaceError('NOT_ALLOWED', 'the invitation is over, or for another role')
  if (!mayServe(membership, signingContext.identityKey, role))
    throw new SpaceError('NOT_ALLOWED', `the own role does not allow to serve an invitation at ${role}`)
}

/** No invitation admits an identity that was removed after it was made, or at the same time. */
function checkInvitation(
  { store }: Host,
  { identityKey }: Candidate,
  { invitedAfter = [] }: AdmitOptions,
): void {
  const { membership } = store.roster
  const isKnown = (id: string): boolean =>
    invitedAfter.some((head) => head === id || membership.comesAfter(head, id))
  for (const { id, claim } of membership.departuresOf(identityKey))
    if (claim.type === 'RemovedMember' && !isKnown(id))
      throw new SpaceError('NOT_ALLOWED', 'the invitation is older than the removal of whoever comes by it')
}

/**
 * What shows that the device is the member's, from the top down, as far as the space has not heard of it. Without it
 * the admission of its feeds would not count.
 */
function chainToPublish({ store }: Host, { chain }: Candidate): Credential[] {
  const { membership } = store.roster
  const known = new Set(chain.map(({ id }) => id))
  for (const { parents } of chain)
    if (!parents.every((id) => known.has(id) || membership.has(id)))
      throw new SpaceError('BAD_CANDIDATE', 'the chain comes after something that is not in this space')
  return chain.filter(({ id }) => !membership.has(id)).reverse()
}

async function checkCandidate(candidate: Candidate): Promise<void> {
  const { identityKey, deviceKey, chain, controlFeedKey, dataFeedKey } = candidate
  if (!speaksFor(chain, deviceKey, identityKey))
    throw new SpaceError('BAD_CANDIDATE', 'the chain does not lead from the device to the identity')
  const device = chain[0]?.claim
  if (device?.type === 'AuthorizedDevice' && !equalBytes(device.agreementKey, candidate.agreementKey))
    throw new SpaceError('BAD_CANDIDATE', 'the device was authorised with another agreement key')
  if (new Set([identityKey, deviceKey, controlFeedKey, dataFeedKey]).size !== 4)
    throw new SpaceError('BAD_CANDIDATE', 'one key in two places')
  for (const feed of [controlFeedOf(candidate), dataFeedOf(candidate)])
    if (!(await verifyFeedProof(feed)))
      throw new SpaceError('BAD_CANDIDATE', 'a feed whose key or device did not agree to be admitted')
}

const controlFeedOf = (candidate: Candidate) =>
  ({
    member: candidate.identityKey,
    device: candidate.deviceKey,
    feed: candidate.controlFeedKey,
    purpose: 'CONTROL',
    proof: candidate.controlFeedProof,
  }) as const

const dataFeedOf = (candidate: Candidate) =>
  ({
    ...controlFeedOf(candidate),
    feed: candidate.dataFeedKey,
    purpose: 'DATA',
    proof: candidate.dataFeedProof,
  }) as const

function issueGrant(
  { store, signingContext }: Host,
  { identityKey: member, profile }: Candidate,
  { role, invitationId, history, delegation }: AdmitOptions,
): Promise<Credential> {
  const space = store.record.spaceKey
  const how = {
    ...(invitationId && { invitationId }),
    ...(delegation !== undefined && { delegation }),
    ...(history === 'none' && { history }),
  }
  return signingContext.issue(
    { type: 'SpaceMember', space, member, role, profile, ...how },
    { parents: store.parentsOfNext() },
  )
}

/** The admitted feeds, each after the one before. */
async function issueFeeds(
  { store, signingContext }: Host,
  candidate: Candidate,
  role: Role,
  parents: readonly string[],
): Promise<Credential[]> {
  const space = store.record.spaceKey
  const control = await signingContext.issue(
    { type: 'AdmittedFeed', space, ...controlFeedOf(candidate) },
    { parents },
  )
  // A reader writes nothing but news of itself.
  if (!isAtLeast(role, 'EDITOR')) return [control]
  const data = await signingContext.issue(
    { type: 'AdmittedFeed', space, ...dataFeedOf(candidate) },
    { parents: [control.id] },
  )
  return [control, data]
}

function pathToOwnGrant({ store, signingContext }: Host): Credential[] {
  const { membership } = store.roster
  const own = membership.members().get(signingContext.identityKey)
  if (own === undefined) throw new SpaceError('NOT_A_MEMBER', 'this identity is not a member')
  return membership.admissionPath(own.since)
}

/** Without the control feeds. The feeds of everybody on the path are named with those that are given. */
function admissionOf(
  { store, signingContext }: Host,
  path: readonly Credential[],
  fresh: readonly Credential[],
  readKeys: readonly ReadKey[],
): SpaceAdmission {
  const { membership } = store.roster
  const named = new Map(fresh.map((credential) => [credential.id, credential]))
  const members = new Set(path.flatMap(({ claim }) => (claim.type === 'SpaceMember' ? claim.member : [])))
  for (const { member, credential: id } of membership.feeds().values()) {
    const credential = membership.get(id)
    if (members.has(member) && credential !== undefined) named.set(id, credential)
  }
  return {
    spaceKey: store.record.spaceKey,
    path,
    credentials: [...named.values()],
    hostIdentity: signingContext.identityKey,
    heads: headsOf(store),
    controlFeeds: [],
    readKeys: atMost(MAX_READ_KEYS, readKeys),
  }
}

const controlFeedsOf = (store: SpaceStore): Feed[] =>
  store.feeds().filter(({ key }) => store.roster.feed(key)?.purpose === 'CONTROL')

/**
 * In the order of their admission. A guest needs those of the first feeds only: what admitted a later one stands in
 * an earlier one.
 */
const headsOf = (store: SpaceStore) =>
  controlFeedsOf(store)
    .flatMap(({ signedHead }) => signedHead ?? [])
    .slice(0, MAX_HEADS)

/** Adds all control feeds when they fit; what is left out comes by replication. */
async function withControlFeeds(
  store: SpaceStore,
  admission: SpaceAdmission,
  maxBytes = MAX_ADMISSION_BYTES,
): Promise<SpaceAdmission> {
  const held = controlFeedsOf(store)
  const controlFeeds: FeedContent[] = []
  let room = Math.min(maxBytes, MAX_ADMISSION_BYTES - encodeAdmission(admission).length)
  if (held.reduce((sum, { size }) => sum + size, 0) > room) return admission
  for (const feed of held) {
    const batches: FeedBatch[] = []
    for (let at = 0; at < feed.length; ) {
      const batch = await feed.batch(at)
      if (batch === undefined) break
      at += batch.payloads.length
      // Tags and lengths take a few bytes for each entry.
      for (const { length } of batch.payloads) room -= length + 8
      room -= 192
      if (room < 0) return admission
      batches.push(batch)
    }
    if (batches.length > 0) controlFeeds.push({ feed: feed.key, batches })
    room -= 64
  }
  return room < 0 ? admission : { ...admission, controlFeeds }
}
