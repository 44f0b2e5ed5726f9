import { Keyring, PublicKey, type Signer } from '@vestibule/keys'
import { CredentialsError } from '../src/errors.ts'
import {
  type Claim,
  type Credential,
  type CredentialsErrorCode,
  type IdentityRecovery,
  issueCredential,
  proveFeed,
  proveRecovery,
} from '../src/index.ts'

export const NOON = 1_700_000_000_000

/** An identity with a device that signs for it. */
export interface Person {
  readonly keyring: Keyring
  readonly identity: PublicKey
  readonly device: PublicKey
  readonly chain: readonly Credential[]
  /** Signs a claim as this identity, by its device. */
  say(claim: Claim | Promise<Claim>, parents?: readonly string[]): Promise<Credential>
}

export async function createPerson(): Promise<Person> {
  const keyring = new Keyring()
  const [identity, device] = [await keyring.createKey(), await keyring.createKey()]
  const chain = [await authorize(keyring, identity, identity, [], device)]
  return { keyring, identity, device, chain, say: speaker(keyring, identity, device, chain) }
}

/** `by` (the identity itself, or a device with a chain) authorises another device. */
export function authorize(
  keyring: Keyring,
  identity: PublicKey,
  by: PublicKey,
  chain: readonly Credential[],
  device: PublicKey,
): Promise<Credential> {
  const claim = {
    type: 'AuthorizedDevice',
    identity,
    device,
    agreementKey: new Uint8Array(32).fill(9),
  } as const
  return issueCredential({
    signer: keyring,
    issuer: identity,
    signingKey: by,
    chain,
    claim,
    issuedAtMs: NOON,
  })
}

export const speaker =
  (keyring: Keyring, issuer: PublicKey, signingKey: PublicKey, chain: readonly Credential[]) =>
  async (given: Claim | Promise<Claim>, parents: readonly string[] = []): Promise<Credential> => {
    const claim = await given
    return issueCredential({ signer: keyring, issuer, signingKey, chain, claim, parents, issuedAtMs: NOON })
  }

/** A space with its founder, as createSpace makes it: the space key signs two credentials and is dropped. */
export async function createSpace(name = 'Kitchen') {
  const founder = await createPerson()
  const keyring = new Keyring()
  const space = await keyring.createKey()
  const sayAsSpace = speaker(keyring, space, space, [])
  const genesis = await sayAsSpace({ type: 'SpaceGenesis', space, name })
  const first = await sayAsSpace(admission(space, founder.identity, 'OWNER'), [genesis.id])
  /** A key that the space key made its device; nobody should, and it has to be worth nothing. */
  const sayByDelegate = async (claim: Claim, parents: readonly string[]): Promise<Credential> => {
    const delegate = await keyring.createKey()
    return speaker(keyring, space, delegate, [await authorize(keyring, space, space, [], delegate)])(
      claim,
      parents,
    )
  }
  return { space, founder, genesis, first, sayAsSpace, sayByDelegate }
}

export function admission(
  space: PublicKey,
  member: PublicKey,
  role: 'READER' | 'EDITOR' | 'ADMIN' | 'OWNER',
): Claim {
  return { type: 'SpaceMember', space, member, role, profile: { displayName: 'Ada' } }
}

const feedKeys = new Keyring()
const feedKey = (n: number): Promise<PublicKey> => feedKeys.importKey(new Uint8Array(32).fill(100 + n))
/** Keys of feeds, all held here: {@link feedClaim} has a genuine proof by any of them for any device. */
export const FEEDS = [await feedKey(1), await feedKey(2), await feedKey(3)] as const

/** An admitted feed of somebody's, its key being one of {@link FEEDS}; the owner's keyring holds the device. */
export async function feedClaim(
  space: PublicKey,
  owner: Pick<Person, 'keyring' | 'identity' | 'device'>,
  feed: PublicKey,
  purpose: 'CONTROL' | 'DATA',
): Promise<Claim> {
  const binding = { member: owner.identity, device: owner.device, feed, purpose }
  const signer = holding({ [feed.toHex()]: feedKeys, [owner.device.toHex()]: owner.keyring })
  return { type: 'AdmittedFeed', space, ...binding, proof: await proveFeed({ signer, ...binding }) }
}

/** A recovery key that agrees to speak for an identity; made and held by `keyring`. */
export async function recoveryClaim(identity: PublicKey, keyring = new Keyring()): Promise<IdentityRecovery> {
  const recoveryKey = await keyring.createKey()
  const binding = { identity, recoveryKey, agreementKey: new Uint8Array(32).fill(9) }
  return { type: 'IdentityRecovery', ...binding, proof: await proveRecovery({ signer: keyring, ...binding }) }
}

/** Signs for each key by the signer that is named for it. */
export const holding = (signers: Readonly<Record<string, Signer>>): Signer => ({
  sign: async (key, message) => {
    const signer = signers[key.toHex()]
    if (signer === undefined) throw new Error(`nobody here holds ${key.toHex()}`)
    return signer.sign(key, message)
  },
})

/** The code with which something was refused; fails when it was not, or not by a CredentialsError. */
export async function refusal(work: Promise<unknown> | (() => unknown)): Promise<CredentialsErrorCode> {
  try {
    await (typeof work === 'function' ? work() : work)
  } catch (error) {
    if (error instanceof CredentialsError) return error.code
    throw error
  }
  throw new Error('it was accepted')
}

/** A key that nobody holds. */
export const keyOf = (n: number): PublicKey =>
  PublicKey.from(Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? n & 255 : i === 1 ? n >> 8 : 77)))
