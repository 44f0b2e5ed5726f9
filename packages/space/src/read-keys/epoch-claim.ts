import { randomBytes } from '@noble/hashes/utils.js'
import {
  type Credential,
  type FeedHead,
  MAX_CREDENTIAL_BYTES,
  MAX_SEALED_KEYS,
  type Membership,
  type SealedKey,
} from '@vestibule/credentials'
import { KeysError, type PublicKey, pae, Redacted, sealToAgreementKey } from '@vestibule/keys'
import type { SigningContext } from '../identity/signing-context.ts'
import type { SpaceStore } from '../space-store.ts'
import { commitmentOf, READ_KEY_BYTES, type ReadKey } from './read-key.ts'

/** Most data feeds whose heads an epoch records: those beyond are protected by a later one, or not at all. */
const MAX_HEADS = 24
/** A head, or a sealed key, with its tags. */
const HEAD_BYTES = 80
const SEALED_KEY_BYTES = 140
/** What is around these: names, numbers, the signature. */
const ROOM = 512
const ID_BYTES = 34

/** By whom, and where, an epoch is issued. */
export interface Issuer {
  readonly store: SpaceStore
  readonly signingContext: SigningContext
}

/** An epoch that nothing has been written of. */
export interface NewEpoch {
  readonly credential: Credential
  readonly readKey: ReadKey
}

/** What read keys are sealed for in an epoch; the epoch itself is named by its commitment, as it has no id yet. */
export const epochPurpose = (space: PublicKey, commitment: Uint8Array): Uint8Array =>
  pae('vestibule sealed read key v1', space.toBytes(), commitment)

/**
 * Makes an epoch that follows acts, whether they are in the space already or written together with it: a fresh read
 * key, sealed to the devices of those who are members then.
 * @param after each of them comes after the one before
 * @returns `undefined` when the own role, as it is then, does not allow it
 */
export async function createEpoch(
  { store, signingContext }: Issuer,
  after: readonly Credential[],
): Promise<NewEpoch | undefined> {
  const then = withActs(store, after)
  const last = after.at(-1)
  const parents = last === undefined ? store.parentsOfNext() : [last.id]
  const key = new Redacted(randomBytes(READ_KEY_BYTES))
  const space = store.record.spaceKey
  const commitment = commitmentOf(space, key)
  const previous = then.epochs().all.at(-1)
  const heads = headsOf(store, then)
  const chain = signingContext.chain.reduce((sum, { encoded }) => sum + encoded.length, 0)
  const room = MAX_CREDENTIAL_BYTES - ROOM - chain - parents.length * ID_BYTES - heads.length * HEAD_BYTES
  // Who comes too late is handed the key.
  const devices = devicesToSealTo(then, signingContext.identityKey).slice(
    0,
    Math.min(MAX_SEALED_KEYS, Math.floor(room / SEALED_KEY_BYTES)),
  )
  const keys = await sealedTo(devices, key, epochPurpose(space, commitment))
  const credential = await signingContext.issue(
    {
      type: 'Epoch',
      space,
      number: previous?.claim.type === 'Epoch' ? previous.claim.number + 1 : 1,
      ...(previous && { previous: previous.id }),
      keys: keys.sort((a, b) => (a.device.toHex() < b.device.toHex() ? -1 : 1)),
      heads,
      commitment,
    },
    { parents },
  )
  then.add(credential)
  return then.counts(credential.id) ? { credential, readKey: { epoch: credential.id, key } } : undefined
}

async function sealedTo(
  devices: ReturnType<typeof devicesToSealTo>,
  key: Redacted<Uint8Array>,
  info: Uint8Array,
): Promise<SealedKey[]> {
  const keys: SealedKey[] = []
  for (const { device, agreementKey } of devices)
    try {
      keys.push({ device, sealed: await sealToAgreementKey(agreementKey, key.unwrap(), { info }) })
    } catch (error) {
      // A member who names a key that nothing can be sealed to harms only itself.
      if (!(error instanceof KeysError)) throw error
    }
  return keys
}

/** The membership as it will be when acts have been written. */
export function withActs({ roster }: SpaceStore, acts: readonly Credential[]): Membership {
  const then = roster.membership.copy()
  for (const act of acts) then.add(act)
  return then
}

/**
 * The devices of members to seal something to: the own ones first, then those of the others, the most senior first.
 * @param isRecipient which members; all unless given
 */
export function devicesToSealTo(
  then: Membership,
  self: PublicKey,
  isRecipient: (member: PublicKey) => boolean = () => true,
) {
  const members = [...then.members().keys()].filter(isRecipient)
  const sorted = [...members.filter((one) => one === self), ...members.filter((one) => one !== self)]
  const owners = new Map([...then.feeds().values()].map(({ device, member }) => [device, member]))
  const devices = new Map<PublicKey, Uint8Array>()
  for (const member of sorted) {
    if (devices.size >= MAX_SEALED_KEYS) break
    for (const { key, authorized, revoked } of then.devicesOf(member)) {
      // A device is whose feed it has agreed to write, whoever else names it.
      const owner = owners.get(key) ?? member
      const { claim } = authorized
      if (!revoked && owner === member && claim.type === 'AuthorizedDevice' && !devices.has(key))
        devices.set(key, claim.agreementKey)
    }
  }
  return [...devices].map(([device, agreementKey]) => ({ device, agreementKey }))
}

/** The longest data feeds of the members, as far as they are here and not cut, ascending by key. */
function headsOf(store: SpaceStore, then: Membership): FeedHead[] {
  const cuts = then.cuts()
  const heads = [...then.feeds()].flatMap(([key, { member, purpose }]) => {
    const head = store.feed(key)?.head
    const isCounted = purpose === 'DATA' && then.roleOf(member) !== undefined && !cuts.has(key)
    return isCounted && head !== undefined && head.length > 0 ? [head] : []
  })
  return heads
    .sort((a, b) => b.length - a.length)
    .slice(0, MAX_HEADS)
    .map(({ feed, length, hash }) => ({ feed, length, hash }))
    .sort((a, b) => (a.feed.toHex() < b.feed.toHex() ? -1 : 1))
}
