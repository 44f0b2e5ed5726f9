import {
  type Claim,
  type Credential,
  issueCredential,
  issuePresentation,
  MAX_NAME_BYTES,
  type PresentationContext,
  type Profile,
  proveRecovery,
} from '@vestibule/credentials'
import { type Keyring, PublicKey, type RecoveryKeys } from '@vestibule/keys'
import { bytes, message, optional, repeated, string, uint32 } from '@vestibule/keys/wire'
import { type Clock, systemClock } from '@vestibule/network'
import { verifyAll } from '../admission/admission.ts'
import { SpaceError } from '../error.ts'
import { migrate } from '../migrations/migrate.ts'
import type { Storage } from '../storage/storage.ts'
import { parseVersioned } from '../versioned.ts'

const RECORD_KEY = 'identity'
const RECORD_VERSION = 1

const IdentityRecord = message('IdentityRecord', {
  version: uint32(1),
  identityKey: bytes(2, { length: 32 }),
  deviceKey: bytes(3, { length: 32 }),
  agreementKey: bytes(4, { length: 32 }),
  displayName: string(5, { max: MAX_NAME_BYTES }),
  chain: repeated(bytes(6), { max: 8 }),
  recovery: optional(bytes(7)),
})

/** The keys of a recovery phrase, and the keyring that holds them while the phrase is at hand; forget it afterwards. */
export interface RecoveryAuthority {
  readonly keyring: Keyring
  /** What `keyring.importRecoveryKeys` gave. */
  readonly keys: RecoveryKeys
}

type Fields = Pick<SigningContext, 'identityKey' | 'deviceKey' | 'agreementKey' | 'profile' | 'chain'> & {
  readonly recovery?: Credential
}

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
 * The identity's own key signs to authorise the device and to name recovery keys, and stays in the keyring of the
 * first device; everything else is signed by the device and carries {@link SigningContext.chain}.
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
  readonly #storage: Storage
  readonly #clock: Clock
  #recovery: Credential | undefined

  private constructor({ keyring, storage, clock = systemClock }: SigningContextOptions, fields: Fields) {
    this.identityKey = fields.identityKey
    this.deviceKey = fields.deviceKey
    this.agreementKey = fields.agreementKey
    this.profile = fields.profile
    this.chain = fields.chain
    this.#keyring = keyring
    this.#storage = storage
    this.#clock = clock
    this.#recovery = fields.recovery
  }

  /** The `IdentityRecovery` by which the recovery phrase counts; the latest, `undefined` while there is none. */
  get recovery(): Credential | undefined {
    return this.#recovery
  }

  /**
   * Makes a new identity with this as its first device, and stores it.
   * @param options `displayName`: at most 64 bytes of UTF-8; `recovery`: the keys of a recovery phrase, to be named at
   *   once
   * @throws SpaceError `IDENTITY_EXISTS` when the storage has one; storage and key errors, and then there is none
   */
  static async create(
    options: SigningContextOptions & { readonly displayName: string; readonly recovery?: RecoveryAuthority },
  ): Promise<SigningContext> {
    const { keyring, displayName } = options
    await checkNew(options)
    const identity = await keyring.createKey()
    const fresh = await newDevice(options)
    const device = await authorize(options, identity, fresh)
    const named = options.recovery && (await nameRecovery(options, identity, options.recovery))
    return SigningContext.#store(options, {
      identityKey: identity,
      ...fresh,
      profile: { displayName },
      chain: [device],
      ...(named && { recovery: named }),
    })
  }

  /**
   * Takes up an identity on a new device by its recovery key, and stores it. The device's keys are fresh; it does
   * not hold the key of the identity itself.
   * @param options `recovery`: the `IdentityRecovery`; `recoveryKeyring` holds the key that it names, and may be
   *   forgotten afterwards; `displayName`: at most 64 bytes of UTF-8
   * @throws SpaceError `IDENTITY_EXISTS`; KeysError `KEY_NOT_FOUND` when the phrase was another; storage and key
   *   errors, and then there is none
   */
  static async recover(
    options: SigningContextOptions & {
      readonly displayName: string
      readonly recovery: Credential
      readonly recoveryKeyring: Keyring
    },
  ): Promise<SigningContext> {
    const { displayName, recovery, recoveryKeyring } = options
    const { claim } = recovery
    if (claim.type !== 'IdentityRecovery') throw new TypeError('expected an IdentityRecovery')
    await checkNew(options)
    const fresh = await newDevice(options)
    const by = { signer: recoveryKeyring, signingKey: claim.recoveryKey, chain: [recovery] }
    const device = await authorize(options, claim.identity, fresh, by)
    return SigningContext.#store(options, {
      identityKey: claim.identity,
      ...fresh,
      profile: { displayName },
      chain: [device, ...device.chain],
      recovery,
    })
  }

  static async #store(options: SigningContextOptions, fields: Fields): Promise<SigningContext> {
    const identity = { key: RECORD_KEY, value: encodeIdentity(fields) }
    await options.storage.transact([identity, ...(await migrate(options.storage))])
    return new SigningContext(options, fields)
  }

  /**
   * The identity of a storage.
   * @throws SpaceError `NO_IDENTITY` when there is none, or the keyring does not hold the device's key;
   *   `STORAGE_CORRUPT`, `UNSUPPORTED_VERSION`, `STORAGE_VERSION`
   */
  static async open(options: SigningContextOptions): Promise<SigningContext> {
    await migrate(options.storage)
    const stored = await options.storage.get(RECORD_KEY)
    if (stored === undefined) throw new SpaceError('NO_IDENTITY', 'the storage holds no identity')
    const record = parseVersioned(IdentityRecord, RECORD_VERSION, stored, 'STORAGE_CORRUPT')
    const identityKey = PublicKey.from(record.identityKey)
    const deviceKey = PublicKey.from(record.deviceKey)
    const chain = await verifyAll(record.chain, 'STORAGE_CORRUPT')
    const [recovery] = await verifyAll(record.recovery ? [record.recovery] : [], 'STORAGE_CORRUPT')
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
      ...(recovery && { recovery }),
    })
  }

  /**
   * Names the keys of another recovery phrase and stores that. Phrases that were named before keep their power: of
   * two the one that was named first is senior. `SpaceManager.addRecovery` tells the spaces, too.
   * @throws KeysError `KEY_NOT_FOUND` on a device that does not hold the key of the identity itself
   */
  async addRecovery(authority: RecoveryAuthority): Promise<Credential> {
    const recovery = await nameRecovery(
      { keyring: this.#keyring, storage: this.#storage, clock: this.#clock },
      this.identityKey,
      authority,
    )
    await this.#storage.transact([{ key: RECORD_KEY, value: encodeIdentity({ ...this.#fields, recovery }) }])
    this.#recovery = recovery
    return recovery
  }

  get #fields(): Fields {
    const { identityKey, deviceKey, agreementKey, profile, chain } = this
    return { identityKey, deviceKey, agreementKey, profile, chain }
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

async function checkNew({
  storage,
  displayName,
}: SigningContextOptions & { readonly displayName: string }): Promise<void> {
  if (new TextEncoder().encode(displayName).length > MAX_NAME_BYTES)
    throw new TypeError(`a display name has at most ${MAX_NAME_BYTES} bytes of UTF-8`)
  await migrate(storage)
  if ((await storage.get(RECORD_KEY)) !== undefined)
    throw new SpaceError('IDENTITY_EXISTS', 'the storage holds an identity already')
}

type DeviceKeys = Pick<SigningContext, 'deviceKey' | 'agreementKey'>

async function newDevice({ keyring }: SigningContextOptions): Promise<DeviceKeys> {
  return { deviceKey: await keyring.createKey(), agreementKey: await keyring.createAgreementKey() }
}

/** By the key of the identity itself, unless another is given. */
function authorize(
  { keyring, clock = systemClock }: SigningContextOptions,
  identity: PublicKey,
  { deviceKey: device, agreementKey }: DeviceKeys,
  by: Pick<Parameters<typeof issueCredential>[0], 'signer' | 'signingKey' | 'chain'> = { signer: keyring },
): Promise<Credential> {
  const claim = { type: 'AuthorizedDevice', identity, device, agreementKey } as const
  return issueCredential({ ...by, issuer: identity, claim, issuedAtMs: clock.now() })
}

async function nameRecovery(
  { keyring: signer, clock = systemClock }: SigningContextOptions,
  identity: PublicKey,
  { keyring, keys }: RecoveryAuthority,
): Promise<Credential> {
  const proof = await proveRecovery({ signer: keyring, identity, ...keys })
  const claim = { type: 'IdentityRecovery', identity, ...keys, proof } as const
  return issueCredential({ signer, issuer: identity, claim, issuedAtMs: clock.now() })
}

function encodeIdentity({
  identityKey,
  deviceKey,
  agreementKey,
  profile,
  chain,
  recovery,
}: Fields): Uint8Array {
  return IdentityRecord.encode({
    version: RECORD_VERSION,
    identityKey: identityKey.toBytes(),
    deviceKey: deviceKey.toBytes(),
    agreementKey,
    displayName: profile.displayName,
    chain: chain.map(({ encoded }) => encoded),
    ...(recovery && { recovery: recovery.encoded }),
  })
}
