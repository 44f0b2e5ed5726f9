import {
  type Claim,
  type Credential,
  issueCredential,
  issuePresentation,
  MAX_NAME_BYTES,
  type PresentationContext,
  type Profile,
} from '@vestibule/credentials'
import { type Keyring, PublicKey } from '@vestibule/keys'
import { bytes, message, repeated, string, uint32 } from '@vestibule/keys/wire'
import { type Clock, systemClock } from '@vestibule/network'
import { verifyAll } from './admission/admission.ts'
import { SpaceError } from './error.ts'
import type { Storage } from './storage/storage.ts'
import { parseVersioned } from './versioned.ts'

const RECORD_KEY = 'identity'
const RECORD_VERSION = 1

const IdentityRecord = message('IdentityRecord', {
  version: uint32(1),
  identityKey: bytes(2, { length: 32 }),
  deviceKey: bytes(3, { length: 32 }),
  agreementKey: bytes(4, { length: 32 }),
  displayName: string(5, { max: MAX_NAME_BYTES }),
  chain: repeated(bytes(6), { max: 8 }),
})

/** Where an identity's keys and records are. The caller keeps and closes both. */
export interface SigningContextOptions {
  readonly keyring: Keyring
  readonly storage: Storage
  /** Dates what is issued; the machine's clock unless given. */
  readonly clock?: Clock
}

/**
 * The own identity, as this device acts for it: who issues, which key signs, and what shows that it may.
 *
 * The identity's own key signs once, to authorise the device, and stays in the keyring; everything after that is
 * signed by the device and carries {@link SigningContext.chain}.
 *
 * @example
 * const signingContext = await SigningContext.create({ keyring, storage, displayName: 'Ada' })
 */
export class SigningContext {
  readonly identityKey: PublicKey
  readonly deviceKey: PublicKey
  /** X25519 public key of the device, 32 bytes: what is for this device only is sealed to it. */
  readonly agreementKey: Uint8Array
  readonly profile: Profile
  /** From the device's `AuthorizedDevice` up to the identity. */
  readonly chain: readonly Credential[]
  readonly #keyring: Keyring
  readonly #clock: Clock

  private constructor(
    { keyring, clock = systemClock }: SigningContextOptions,
    fields: Pick<SigningContext, 'identityKey' | 'deviceKey' | 'agreementKey' | 'profile' | 'chain'>,
  ) {
    this.identityKey = fields.identityKey
    this.deviceKey = fields.deviceKey
    this.agreementKey = fields.agreementKey
    this.profile = fields.profile
    this.chain = fields.chain
    this.#keyring = keyring
    this.#clock = clock
  }

  /**
   * Makes a new identity with this as its first device, and stores it.
   * @param options `displayName`: at most 64 bytes of UTF-8
   * @throws SpaceError `IDENTITY_EXISTS` when the storage has one; storage and key errors, and then there is none
   */
  static async create(
    options: SigningContextOptions & { readonly displayName: string },
  ): Promise<SigningContext> {
    const { keyring, storage, displayName, clock = systemClock } = options
    if (new TextEncoder().encode(displayName).length > MAX_NAME_BYTES)
      throw new TypeError(`a display name has at most ${MAX_NAME_BYTES} bytes of UTF-8`)
    if ((await storage.get(RECORD_KEY)) !== undefined)
      throw new SpaceError('IDENTITY_EXISTS', 'the storage holds an identity already')
    const identityKey = await keyring.createKey()
    const deviceKey = await keyring.createKey()
    const agreementKey = await keyring.createAgreementKey()
    const device = await issueCredential({
      signer: keyring,
      issuer: identityKey,
      claim: { type: 'AuthorizedDevice', identity: identityKey, device: deviceKey, agreementKey },
      issuedAtMs: clock.now(),
    })
    const record = IdentityRecord.encode({
      version: RECORD_VERSION,
      identityKey: identityKey.toBytes(),
      deviceKey: deviceKey.toBytes(),
      agreementKey,
      displayName,
      chain: [device.encoded],
    })
    await storage.transact([{ key: RECORD_KEY, value: record }])
    return new SigningContext(options, {
      identityKey,
      deviceKey,
      agreementKey,
      profile: { displayName },
      chain: [device],
    })
  }

  /**
   * The identity of a storage.
   * @throws SpaceError `NO_IDENTITY` when there is none, or the keyring does not hold the device's key;
   *   `STORAGE_CORRUPT`, `UNSUPPORTED_VERSION`
   */
  static async open(options: SigningContextOptions): Promise<SigningContext> {
    const stored = await options.storage.get(RECORD_KEY)
    if (stored === undefined) throw new SpaceError('NO_IDENTITY', 'the storage holds no identity')
    const record = parseVersioned(IdentityRecord, RECORD_VERSION, stored, 'STORAGE_CORRUPT')
    const identityKey = PublicKey.from(record.identityKey)
    const deviceKey = PublicKey.from(record.deviceKey)
    const chain = await verifyAll(record.chain, 'STORAGE_CORRUPT')
    if (!speaksFor(chain, deviceKey, identityKey))
      throw new SpaceError(
        'STORAGE_CORRUPT',
        'the stored chain does not lead from the device to the identity',
      )
    if (!(await options.keyring.has(deviceKey)))
      throw new SpaceError('NO_IDENTITY', 'the keyring does not hold the key of this identity’s device')
    return new SigningContext(options, {
      identityKey,
      deviceKey,
      agreementKey: record.agreementKey,
      profile: { displayName: record.displayName },
      chain,
    })
  }

  /**
   * Issues a claim in the identity's name, signed by the device, dated by the clock.
   * @param options `parents`: ids of the credentials that it comes after
   */
  issue(claim: Claim, options: { readonly parents?: readonly string[] } = {}): Promise<Credential> {
    return issueCredential({
      signer: this.#keyring,
      issuer: this.identityKey,
      signingKey: this.deviceKey,
      chain: this.chain,
      claim,
      parents: options.parents ?? [],
      issuedAtMs: this.#clock.now(),
    })
  }

  /** Proves to a verifier, on one channel, that this device speaks for the identity. */
  present(context: PresentationContext): Promise<Uint8Array> {
    return issuePresentation({
      ...context,
      signer: this.#keyring,
      identity: this.identityKey,
      deviceKey: this.deviceKey,
      chain: this.chain,
    })
  }
}

/**
 * Whether a chain of verified `AuthorizedDevice` credentials leads from a device to an identity. Without a chain
 * the device is the identity's own key.
 */
export function speaksFor(chain: readonly Credential[], device: PublicKey, identity: PublicKey): boolean {
  const [lowest] = chain
  if (lowest === undefined) return device === identity
  const { claim, issuer } = lowest
  return claim.type === 'AuthorizedDevice' && claim.device === device && issuer === identity
}
