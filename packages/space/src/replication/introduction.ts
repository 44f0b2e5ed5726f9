import {
  type Credential,
  CredentialsError,
  isAtLeast,
  type Membership,
  verifyCredential,
} from '@vestibule/credentials'
import type { Keyring, PublicKey } from '@vestibule/keys'
import { unheardLeave } from '../acts/unheard-leave.ts'
import { SpaceError } from '../error.ts'
import type { SigningContext } from '../identity/signing-context.ts'
import type { SpaceRecord } from '../record.ts'
import type { SpaceStore } from '../space-store.ts'
import type { SpacePeer } from './handshake.ts'

/** Feeds of one kind that one member may have here, so that introductions do not fill the space. */
const MAX_FEEDS_PER_MEMBER = 32

/**
 * What nobody hears of in any other way, as the control feed of this device is not one of the space: what admits its
 * feeds, when it came by its own word instead of a host's, or the leave of its member in a feed that is void.
 */
export async function introductionOf(
  store: SpaceStore,
  signingContext: SigningContext,
): Promise<Credential[]> {
  const leave = await unheardLeave({ store, signingContext })
  return leave === undefined ? ownAdmission(store, signingContext) : [leave]
}

/** The chain of this device, from the top down, then its feeds; nothing when a host has admitted them. */
function ownAdmission(
  { vouched, record, roster, forks }: SpaceStore,
  { identityKey, deviceKey, chain }: SigningContext,
): Credential[] {
  // A device whose feeds forked goes on with others.
  const named = vouched.filter(
    ({ claim, issuer }) =>
      claim.type === 'AdmittedFeed' &&
      issuer === identityKey &&
      claim.device === deviceKey &&
      !forks.proofs.has(claim.feed),
  )
  const isFirst = forks.proofs.size === 0 && record.past === undefined
  const renewed = isFirst ? [] : selfAdmitted(roster.membership, record, identityKey)
  const feeds = [...new Map([...named, ...renewed].map((one) => [one.id, one])).values()]
  if (feeds.length === 0) return []
  return [...chain.toReversed(), ...feeds]
}

/** The feeds of this device that it has admitted itself. */
function selfAdmitted(
  membership: Membership,
  { controlFeedKey, dataFeedKey }: SpaceRecord,
  identityKey: PublicKey,
): Credential[] {
  const keys = dataFeedKey === undefined ? [controlFeedKey] : [controlFeedKey, dataFeedKey]
  return keys.flatMap((key) => {
    const { credential: id = '' } = membership.feeds().get(key) ?? {}
    const credential = membership.get(id)
    return credential?.issuer === identityKey ? credential : []
  })
}

/**
 * Reads an introduction.
 * @throws SpaceError `BAD_INTRODUCTION` when something does not verify or is about somebody else than the other end
 */
export async function parseIntroduction(
  encoded: readonly Uint8Array[],
  { identityKey, deviceKey }: SpacePeer,
): Promise<Credential[]> {
  try {
    const credentials = await Promise.all(encoded.map((one) => verifyCredential(one)))
    for (const { claim, issuer } of credentials) {
      const isOwnFeed =
        claim.type === 'AdmittedFeed' && claim.member === identityKey && claim.device === deviceKey
      if (issuer !== identityKey || !(isOwnFeed || isAboutDevices(claim) || claim.type === 'LeftSpace'))
        throw bad('it says something else than what this device is, which feeds it has, and that it has left')
    }
    return credentials
  } catch (cause) {
    if (!(cause instanceof CredentialsError)) throw cause
    throw new SpaceError('BAD_INTRODUCTION', 'a credential of it does not verify', { cause })
  }
}

/**
 * Takes in an introduction: passes it on in the own control feed, where everybody finds it. Inside the store's
 * serial.
 * @returns false when it comes after something that is not here yet; it may be tried again
 * @throws SpaceError `BAD_INTRODUCTION` when it does not count in this space; storage and key errors
 */
export async function takeIn(
  { store, keyring }: { readonly store: SpaceStore; readonly keyring: Keyring },
  introduction: readonly Credential[],
): Promise<boolean> {
  const { record, roster } = store
  const fresh = introduction.filter(({ id }) => !roster.membership.has(id))
  if (fresh.length === 0) return true
  const ids = new Set(introduction.map(({ id }) => id))
  if (!fresh.every(({ parents }) => parents.every((id) => ids.has(id) || roster.membership.has(id))))
    return false
  for (const { claim } of fresh) {
    if (claim.type !== 'AdmittedFeed') continue
    const role = roster.roleOf(claim.member)
    const others = [...roster.membership.feeds().values()].filter(
      ({ member, purpose }) => member === claim.member && purpose === claim.purpose,
    )
    if (role === undefined || (claim.purpose === 'DATA' && !isAtLeast(role, 'EDITOR')))
      throw bad('a feed that its role does not allow')
    if (others.length >= MAX_FEEDS_PER_MEMBER) throw bad(`more than ${MAX_FEEDS_PER_MEMBER} feeds`)
  }
  tryOut(roster.membership, fresh)
  await store.append(
    keyring,
    record.controlFeedKey,
    fresh.map(({ encoded }) => encoded),
  )
  return true
}

/** What does not count must not be written: it would stay, and go to everybody. */
function tryOut(known: Membership, fresh: readonly Credential[]): void {
  const trial = known.copy()
  for (const one of fresh) trial.add(one)
  if (!fresh.every(({ claim, id }) => isAboutDevices(claim) || trial.counts(id)))
    throw bad('it does not count in the space')
}

const isAboutDevices = ({ type }: Credential['claim']): boolean =>
  type === 'AuthorizedDevice' || type === 'IdentityRecovery'

const bad = (what: string): SpaceError => new SpaceError('BAD_INTRODUCTION', what)
