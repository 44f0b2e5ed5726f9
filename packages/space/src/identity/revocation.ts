import { type Credential, type Device, issueCredential } from '@vestibule/credentials'
import { PublicKey } from '@vestibule/keys'
import { bytes, message, repeated, uint32 } from '@vestibule/keys/wire'
import type { Clock } from '@vestibule/network'
import { type Actor, perform, publish } from '../acts/perform.ts'
import { verifyAll } from '../admission/admission.ts'
import { SpaceError } from '../error.ts'
import type { Space } from '../space.ts'
import type { Storage, StorageWrite } from '../storage/storage.ts'
import { parseVersioned } from '../versioned.ts'
import type { RecoveryAuthority } from './signing-context.ts'

const VERSION = 1
const PREFIX = 'revocations/'

const Intent = message('RevocationIntent', {
  version: uint32(1),
  credentials: repeated(bytes(2), { max: 1024 }),
})

/**
 * Signs, by the recovery key, what revokes keys of the own identity in a space. They come after all that is known
 * there, so that what those keys did so far stays.
 * @param namings see {@link namingsIn}
 * @returns what has to be published; nothing when the keys are revoked there
 * @throws SpaceError `NO_RECOVERY` when the space does not know the key as this identity's; key errors
 */
export async function signRevocations(
  { store, signingContext }: Actor,
  keys: readonly PublicKey[],
  namings: readonly Device[],
  authority: RecoveryAuthority,
  clock: Clock,
): Promise<Credential[]> {
  const { identityKey: identity } = signingContext
  const { membership } = store.roster
  const { recoveryKey } = authority.keys
  const recovery = membership
    .recoveries()
    .find(
      ({ issuer, claim }) =>
        issuer === identity && claim.type === 'IdentityRecovery' && claim.recoveryKey === recoveryKey,
    )
  if (recovery === undefined)
    throw new SpaceError('NO_RECOVERY', 'the space does not know this recovery key as one of this identity')
  const revoked = new Set(membership.revocationsOf(identity).flatMap(({ claim }) => deviceIn(claim)))
  const by = { signer: authority.keyring, issuer: identity, signingKey: recoveryKey, chain: [recovery] }
  const issuedAtMs = Math.max(0, Math.floor(clock.now()))
  const wanted = keys.filter((device) => !revoked.has(device))
  if (wanted.length === 0) return []
  const spared = unknownIn(store, namings, wanted)
  const signed = [...spared]
  let parents = [...store.parentsOfNext(), ...spared.map(({ id }) => id)]
  for (const device of wanted) {
    const claim = { type: 'RevokedDevice', identity, device } as const
    const one = await issueCredential({ ...by, claim, parents, issuedAtMs })
    signed.push(one)
    parents = [one.id]
  }
  return signed
}

/** Keeps revocations of a space until they are written there, whatever happens in between. */
export const intentWrite = (space: PublicKey, credentials: readonly Credential[]): StorageWrite => ({
  key: PREFIX + space.toHex(),
  value: Intent.encode({ version: VERSION, credentials: credentials.map(({ encoded }) => encoded) }),
})

/** The spaces for which revocations are kept. */
export const intended = async (storage: Storage): Promise<PublicKey[]> =>
  (await storage.list(PREFIX)).map(([key]) => PublicKey.fromHex(key.slice(PREFIX.length)))

/** Writes the revocations that were kept for a space, and forgets them, in one transaction. */
export function carryOut(space: Space, storage: Storage): Promise<void> {
  return space.act(async (actor) => {
    const key = PREFIX + space.key.toHex()
    const value = await storage.get(key)
    if (value === undefined) return
    const { credentials } = parseVersioned(Intent, VERSION, value, 'STORAGE_CORRUPT')
    const kept = await verifyAll(credentials, 'STORAGE_CORRUPT')
    const fresh = kept.filter(({ id }) => !actor.store.roster.membership.has(id))
    const done = { key, value: undefined }
    if (fresh.length === 0) await storage.transact([done])
    else await publish(actor, fresh, [done])
  })
}

/**
 * Revokes devices by this one, where it has not said so yet and may: each is revoked once in each space by whoever
 * revoked it in the identity's own.
 * @param namings see {@link namingsIn}
 */
export function revokeHere(
  space: Space,
  devices: readonly PublicKey[],
  namings: readonly Device[],
): Promise<void> {
  return space.act(async (actor) => {
    const { identityKey: identity, deviceKey } = actor.signingContext
    const { membership } = actor.store.roster
    const revoked = new Set(membership.revocationsOf(identity).flatMap(({ claim }) => deviceIn(claim)))
    const wanted = devices.filter(
      (device) => !revoked.has(device) && membership.isSenior(identity, deviceKey, device),
    )
    if (wanted.length === 0) return
    const spared = unknownIn(actor.store, namings, wanted)
    if (spared.length > 0) await publish(actor, spared)
    await perform(
      actor,
      wanted.map((device) => ({ type: 'RevokedDevice', identity, device }) as const),
    )
  })
}

/**
 * The devices of an identity as its own spaces know them. A revocation spares what it knows: so a space hears first of
 * those that stay, or what the revoked device had named would fall with it there; and of the one that is revoked, which
 * may hold the read keys of a space that has never heard of it.
 */
export const namingsIn = (own: readonly Space[], identity: PublicKey): Device[] =>
  own.flatMap(({ membership }) => membership.devicesOf(identity))

/** What a space does not know, each behind what it comes after; what comes after something else is left out. */
function unknownIn(
  { roster }: Actor['store'],
  namings: readonly Device[],
  wanted: readonly PublicKey[],
): Credential[] {
  const fresh = new Map<string, Credential>()
  const isKnown = (id: string): boolean => fresh.has(id) || roster.membership.has(id)
  for (const { key, authorized, revoked } of namings)
    if ((!revoked || wanted.includes(key)) && !isKnown(authorized.id) && authorized.parents.every(isKnown))
      fresh.set(authorized.id, authorized)
  return [...fresh.values()]
}

/** The devices that this one has revoked in one of the identity's own spaces. */
export const revokedBy = (own: readonly Space[], identity: PublicKey, signer: PublicKey): PublicKey[] => [
  ...new Set(
    own
      .flatMap((space) => space.membership.revocationsOf(identity))
      .flatMap((one) => (one.signer === signer ? deviceIn(one.claim) : [])),
  ),
]

const deviceIn = (claim: Credential['claim']): PublicKey[] =>
  claim.type === 'RevokedDevice' ? [claim.device] : []
