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
import type { Keyring, PublicKey, RecoveryKeys } from '@vestibule/keys'
import { type Clock, systemClock } from '@vestibule/network'
import { SpaceError } from '../error.ts'
import { migrate } from '../migrations/migrate.ts'
import type { Storage, StorageWrite } from '../storage/storage.ts'
import { hasIdentity, type IdentityFields, identityWrite, readIdentity } from './identity-record.ts'

/** The keys of a recovery phrase, and the keyring that holds them while the phrase is at hand; forget it afterwards. */
export interface RecoveryAuthority {
  readonly keyring: Keyring
  /** What `keyring.importRecoveryKeys` gave. */
  readonly keys: RecoveryKeys
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
  /** From the device's `AuthorizedDevice` up to the identity. */
  readonly chain: readonly Credential[]
  readonly #keyring: Keyring
  readonly #storage: Storage
  readonly #clock: Clock
  #profile: Profile
  #recovery: Credential | undefined

  /** @internal Reads and writes nothing; see {@link SigningContext.create} and {@link SigningContext.open}. */
  constructor({ keyring, storage, clock = systemClock }: SigningContextOptions, fields: IdentityFields) {
    this.identityKey = fields.identityKey
    this.deviceKey = fields.deviceKey
    this.agreementKey = fields.agreementKey
    this.#profile = fields.profile
    this.chain = fields.chain
    this.#keyring = keyring
    this.#storage = storage
    this.#clock = clock
    this.#recovery = fields.recovery
  }

  /** How the identity is shown in spaces that it joins from now on. */
  get profile(): Profile {
    return this.#profile
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

  static async #store(options: SigningContextOptions, fields: IdentityFields): Promise<SigningContext> {
    await options.storage.transact([identityWrite(fields), ...(await migrate(options.storage))])
    return new SigningContext(options, fields)
  }

  /**
   * The identity of a storage.
   * @throws SpaceError `NO_IDENTITY` when there is none, or the keyring does not hold the device's key;
   *   `STORAGE_CORRUPT`, `UNSUPPORTED_VERSION`, `STORAGE_VERSION`
   */
  static async open(options: SigningContextOptions): Promise<SigningContext> {
    await migrate(options.storage)
    const fields = await readIdentity(options.storage)
    if (fields === undefined) throw new SpaceError('NO_IDENTITY', 'the storage holds no identity')
    if (!(await options.keyring.has(fields.deviceKey)))
      throw new SpaceError('NO_IDENTITY', 'the keyring does not hold the key of this identity’s device')
    return new SigningContext(options, fields)
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
    const change = this.changed({ recovery })
    await this.#storage.transact([change.write])
    change.take()
    return recovery
  }

  /** @internal What has to be stored when the profile or the recovery key changes, and what to call once it is. */
  changed(fields: Partial<Pick<IdentityFields, 'profile' | 'recovery'>>): {
    readonly write: StorageWrite
    readonly take: () => void
  } {
    const { identityKey, deviceKey, agreementKey, profile, chain, recovery } = this
    const own = { identityKey, deviceKey, agreementKey, profile, chain, ...(recovery && { recovery }) }
    const next = { ...own, ...fields }
    const take = () => {
      this.#profile = next.profile
      this.#recovery = next.recovery
    }
    return { write: identityWrite(next), take }
  }

  /**
   * Issues a claim in the identity's name, signed by the device, dated by the clock.
   * @param options `parents`: ids of the credentials that it comes after; `expiresAtMs`: when it ends, if it does
   */
  issue(
    claim: Claim,
    {
      parents = [],
      expiresAtMs,
    }: { readonly parents?: readonly string[]; readonly expiresAtMs?: number } = {},
  ): Promise<Credential> {
    return issueCredential({
      signer: this.#keyring,
      issuer: this.identityKey,
      signingKey: this.deviceKey,
      chain: this.chain,
      claim,
      parents,
      issuedAtMs: this.#clock.now(),
      ...(expiresAtMs !== undefined && { expiresAtMs }),
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

async function checkNew({
  storage,
  displayName,
}: SigningContextOptions & { readonly displayName: string }): Promise<void> {
  if (new TextEncoder().encode(displayName).length > MAX_NAME_BYTES)
    throw new TypeError(`a display name has at most ${MAX_NAME_BYTES} bytes of UTF-8`)
  await migrate(storage)
  if (await hasIdentity(storage))
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
