import { MAX_NAME_BYTES, type Profile } from '@vestibule/credentials'
import type { PublicKey } from '@vestibule/keys'
import { perform, publish } from '../acts/perform.ts'
import { tellAll } from '../acts/space-listener.ts'
import type { SpaceAdmission } from '../admission/admission.ts'
import { SpaceError } from '../error.ts'
import type { IdentityBackup } from '../recovery/content.ts'
import type { Space } from '../space.ts'
import type { StorageWrite } from '../storage/storage.ts'
import { authorizeDevice, repeatDevice } from './admit-device.ts'
import type { DeviceAdmission, DeviceCandidate } from './device-admission.ts'
import { devicesIn, type IdentityDevice } from './devices.ts'
import { ownerOf } from './own-space.ts'
import { intentWrite, namingsIn, revokeHere, signRevocations } from './revocation.ts'
import type { RecoveryAuthority } from './signing-context.ts'
import { type IdentityParts, profileIntent, Upkeep } from './upkeep.ts'

/** What happens to the own identity; each part may be left out. */
export interface IdentityListener {
  /** A device was added, named or revoked. */
  onDevices?(devices: readonly IdentityDevice[]): void
  /** A space is here that another device of the identity has made or joined. */
  onSpace?(space: Space): void
  /** Something that follows from what was done elsewhere could not be done here. It is tried again. */
  onProblem?(problem: Error): void
}

/** What came of revoking by the recovery phrase. */
export interface Revoked {
  /** The keys that were revoked, the identity's own among them. */
  readonly keys: readonly PublicKey[]
  /**
   * Spaces that do not know the phrase as this identity's yet, because their history is not here: there nothing was
   * revoked. Once a member was met ({@link Space.synced}) it can be done again.
   */
  readonly missed: readonly Pick<Space, 'key' | 'name'>[]
}

/**
 * The own identity with its devices. They share a space of their own, of which nobody else is ever a member: it holds
 * the devices, the profile, and the list of the identity's spaces, so that each device takes up what another has joined,
 * and leaves what another has left.
 *
 * @example
 * for (const { label, current } of manager.identity.devices()) show(label, current)
 */
export class Identity {
  readonly #parts: IdentityParts
  readonly #upkeep: Upkeep
  readonly #listeners = new Set<IdentityListener>()
  /** What of each space the others hear of. */
  readonly #standings = new WeakMap<Space, string>()
  #devices: readonly IdentityDevice[] = []

  /** @internal */
  constructor(parts: IdentityParts) {
    this.#parts = parts
    this.#upkeep = new Upkeep(parts, {
      onSpace: (space) => this.#emit((listener) => listener.onSpace?.(space)),
      onProblem: (problem) => this.#emit((listener) => listener.onProblem?.(problem)),
    })
  }

  /** How the identity is shown in spaces that it joins from now on. */
  get profile(): Profile {
    return this.#parts.signingContext.profile
  }

  /** The devices, those that were revoked too, in the order in which they were named. */
  devices(): readonly IdentityDevice[] {
    const { identityKey, deviceKey } = this.#parts.signingContext
    return devicesIn(this.#parts.own(), identityKey, deviceKey)
  }

  /** @internal Whether there is another device, or may be one of which nobody here has heard: brought back by a phrase. */
  get mayBeElsewhere(): boolean {
    const { signingContext, own, spaces } = this.#parts
    if (signingContext.recovery !== undefined) return true
    const others = [...own(), ...spaces()].flatMap(({ membership }) =>
      membership.devicesOf(signingContext.identityKey),
    )
    return others.some(({ key }) => key !== signingContext.deviceKey)
  }

  /** Calls back from now on. @returns a function that ends it */
  subscribe(listener: IdentityListener): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  /**
   * Gives a device a name, this one unless another is given.
   * @param label at most 64 bytes of UTF-8
   * @throws SpaceError `UNKNOWN_DEVICE`, `CLOSED`; key and storage errors
   */
  async setDeviceLabel(label: string, device = this.#parts.signingContext.deviceKey): Promise<void> {
    checkName(label)
    const own = await this.#own()
    this.#known(device)
    const { identityKey: identity } = this.#parts.signingContext
    for (const space of own)
      await space.act((actor) => perform(actor, [{ type: 'DeviceProfile', identity, device, label }]))
  }

  /**
   * Says how the identity is shown, from now on and in all its spaces; those that can't be told now are told later,
   * after a restart too.
   * @param profile `displayName`: at most 64 bytes of UTF-8
   * @throws SpaceError `CLOSED`; key and storage errors
   */
  async setProfile({ displayName }: Profile): Promise<void> {
    checkName(displayName)
    const profile = { displayName }
    const { signingContext } = this.#parts
    const claim = { type: 'IdentityProfile', identity: signingContext.identityKey, profile } as const
    const [first, ...rest] = await this.#own()
    const change = signingContext.changed({ profile })
    await first.act((actor) => perform(actor, [claim], [change.write, profileIntent(profile)]))
    change.take()
    for (const space of rest) await space.act((actor) => perform(actor, [claim]))
    await this.#upkeep.run()
  }

  /**
   * Adds a device to the identity, or gives the admission of one that it has once more. Durable when it resolves, in one
   * transaction with `alsoWrite`.
   * @returns what `acceptIdentity` takes there; it holds the read keys of all spaces, so send it sealed
   * @throws SpaceError `BAD_CANDIDATE` for a device that was revoked, or has another agreement key; `CLOSED`; key and
   *   storage errors
   */
  async admitDevice(
    candidate: DeviceCandidate,
    options: { readonly alsoWrite?: readonly StorageWrite[] } = {},
  ): Promise<DeviceAdmission> {
    checkName(candidate.label)
    if (candidate.agreementKey.length !== 32) throw new TypeError('an agreement key has 32 bytes')
    const [first, ...rest] = await this.#own()
    const device = await authorizeDevice(first, candidate, options.alsoWrite ?? [])
    for (const space of rest) await repeatDevice(space, device)
    const { identityKey, profile, recovery } = this.#parts.signingContext
    const admissions = (spaces: readonly Space[]) =>
      Promise.all(spaces.map((space) => space.admissionFor(identityKey)))
    return {
      identityKey,
      profile,
      device,
      ...(recovery && { recovery }),
      own: await admissions([first, ...rest]),
      spaces: await admissions(
        this.#parts.spaces().filter((space) => space.roleOf(identityKey) !== undefined),
      ),
    }
  }

  /**
   * Revokes another device of the identity: by this one, which has to be senior to it, or by the recovery phrase, which
   * is senior to all. It is written to the identity's own space at once and to every other space as soon as that can be
   * done, after a restart too; whoever hears of it refuses the device, and read keys are changed.
   *
   * With the phrase, and a device that the identity's own key has named (the first one, which holds that key), the key
   * is revoked with it.
   *
   * @throws SpaceError `UNKNOWN_DEVICE`; `NOT_ALLOWED` for this device itself; `SENIOR_DEVICE` for one that is not below
   *   this one; `NO_RECOVERY`, `CLOSED`; key and storage errors
   */
  async revokeDevice(device: PublicKey, authority?: RecoveryAuthority): Promise<void> {
    const own = await this.#own()
    const { identityKey, deviceKey } = this.#parts.signingContext
    const { revoked } = this.#known(device)
    if (device === deviceKey) throw new SpaceError('NOT_ALLOWED', 'a device does not revoke itself')
    if (authority !== undefined) {
      const isNamedByIdentity = own.some((space) =>
        space.membership
          .devicesOf(identityKey)
          .some(({ key, authorized }) => key === device && authorized.signer === identityKey),
      )
      await this.#revokeBy(authority, isNamedByIdentity ? [device, identityKey] : [device])
      return
    }
    if (!revoked && !own.every(({ membership }) => membership.isSenior(identityKey, deviceKey, device)))
      throw new SpaceError(
        'SENIOR_DEVICE',
        'that device is not below this one: a senior device, or the recovery phrase, can revoke it',
      )
    const namings = namingsIn(own, identityKey)
    for (const space of own) await revokeHere(space, [device], namings)
    await this.#upkeep.run()
  }

  /**
   * Revokes, by the recovery phrase, the identity's own key and all its devices but this one, everywhere.
   * @throws SpaceError `NO_RECOVERY` when the phrase is not of this identity, `CLOSED`; key and storage errors
   */
  async revokeOtherDevices(authority: RecoveryAuthority): Promise<Revoked> {
    await this.#own()
    const { identityKey, deviceKey } = this.#parts.signingContext
    const named = [...this.#parts.own(), ...this.#parts.spaces()].flatMap(({ membership }) =>
      membership.devicesOf(identityKey).map(({ key }) => key),
    )
    const others = [...new Set([identityKey, ...named])].filter((key) => key !== deviceKey)
    return this.#revokeBy(authority, others)
  }

  /**
   * Takes up what a recovery phrase has brought back: the identity's own space, and every other. What is here already
   * stays as it is.
   * @returns the spaces, without the identity's own
   * @throws SpaceError `BAD_ADMISSION`, and then those before it were taken up; `CLOSED`; key, storage and network errors
   */
  async restore(
    { spaces }: Pick<IdentityBackup, 'spaces'>,
    options: { readonly addresses?: readonly string[] } = {},
  ): Promise<Space[]> {
    const taken: Space[] = []
    for (const admission of ownFirst(spaces)) taken.push(await this.#parts.adopt(admission, options))
    await this.#upkeep.run()
    return taken.filter(({ owner }) => owner === undefined)
  }

  /** @internal Does what follows from what is stored, and tells what has changed. Never rejects. */
  async changed(): Promise<void> {
    const devices = this.devices()
    if (JSON.stringify(devices) !== JSON.stringify(this.#devices))
      this.#emit((listener) => listener.onDevices?.(devices))
    this.#devices = devices
    await this.#upkeep.run()
  }

  /** @internal The credentials of a space have changed. */
  onControl(space: Space): void {
    const standing = `${space.roleOf(space.self)} ${space.isProvisional} ${space.readKeyCount}`
    if (space.owner === undefined && this.#standings.get(space) === standing) return
    this.#standings.set(space, standing)
    void this.changed()
  }

  /** @internal Waits for what is being done. Idempotent. */
  close(): Promise<void> {
    return this.#upkeep.close()
  }

  /** The keys are signed off in all spaces first, as the phrase may be gone when a space has to be told later. */
  async #revokeBy(authority: RecoveryAuthority, keys: readonly PublicKey[]): Promise<Revoked> {
    const { clock, signingContext } = this.#parts
    const [first, ...rest] = await this.#own()
    const namings = namingsIn([first, ...rest], signingContext.identityKey)
    const missed: Revoked['missed'][number][] = []
    const intents: StorageWrite[] = []
    const { spaces, asleep, within } = this.#parts
    const sign = async (space: Space): Promise<void> => {
      if (space.removal !== undefined) return
      await space.publishRecovery()
      try {
        const signed = await space.act((actor) => signRevocations(actor, keys, namings, authority, clock))
        if (signed.length > 0) intents.push(intentWrite(space.key, signed))
      } catch (error) {
        if (!(error instanceof SpaceError) || error.code !== 'NO_RECOVERY') throw error
        missed.push({ key: space.key, name: space.name })
      }
    }
    for (const space of [...rest, ...spaces()]) await sign(space)
    for (const key of asleep()) await within(key, sign)
    await first.act(async (actor) => {
      const signed = await signRevocations(actor, keys, namings, authority, clock)
      if (signed.length > 0) await publish(actor, signed, intents)
      else await actor.store.write(intents)
    })
    await this.#upkeep.run()
    return { keys, missed }
  }

  async #own(): Promise<[Space, ...Space[]]> {
    const [first = await this.#parts.found(), ...rest] = this.#parts.own()
    return [first, ...rest]
  }

  #known(device: PublicKey): IdentityDevice {
    const known = this.devices().find(({ key }) => key === device)
    if (known === undefined) throw new SpaceError('UNKNOWN_DEVICE', 'the identity has no such device')
    return known
  }

  #emit(call: (listener: IdentityListener) => void): void {
    tellAll(this.#listeners, call)
  }
}

/** The list of spaces goes into the identity's own, so that is there before them. */
const ownFirst = (spaces: readonly SpaceAdmission[]): SpaceAdmission[] => [
  ...spaces.filter(({ path }) => ownerOf(path[0]?.claim) !== undefined),
  ...spaces.filter(({ path }) => ownerOf(path[0]?.claim) === undefined),
]

function checkName(name: string): void {
  if (new TextEncoder().encode(name).length > MAX_NAME_BYTES)
    throw new TypeError(`a name has at most ${MAX_NAME_BYTES} bytes of UTF-8`)
}
