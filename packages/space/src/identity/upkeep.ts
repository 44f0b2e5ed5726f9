import type { Profile } from '@vestibule/credentials'
import type { Keyring, PublicKey } from '@vestibule/keys'
import { message, string, uint32 } from '@vestibule/keys/wire'
import type { Clock } from '@vestibule/network'
import { parseAdmission, type SpaceAdmission } from '../admission/admission.ts'
import { Serial } from '../concurrency/serial.ts'
import type { Space } from '../space.ts'
import type { Storage, StorageWrite } from '../storage/storage.ts'
import { parseVersioned } from '../versioned.ts'
import { pendingSpaces } from './pending.ts'
import { comebacksTo, isLeftElsewhere, leaveElsewhere, listIn, recordSpace } from './record-spaces.ts'
import { carryOut, intended, namingsIn, revokedBy, revokeHere } from './revocation.ts'
import type { SigningContext } from './signing-context.ts'
import { takeReadKeys } from './take-read-keys.ts'
import { isUntold, type News, tell, toldWrite, untoldOf } from './tell.ts'

/** What the identity works with; all of it is its manager's. */
export interface IdentityParts {
  readonly keyring: Keyring
  readonly storage: Storage
  readonly signingContext: SigningContext
  readonly clock: Clock
  /** The identity's own spaces that are open; more than one only where two devices did not know of each other. */
  readonly own: () => Space[]
  /** All others that are open. */
  readonly spaces: () => Space[]
  /** Those that are deactivated and not loaded. */
  readonly asleep: () => PublicKey[]
  /** Does something in a space, which is not connected for it. Nothing else is opened meanwhile. */
  readonly within: <T>(space: PublicKey, task: (space: Space) => Promise<T>) => Promise<T>
  /** Whether a space is here, open or not. */
  readonly isHere: (key: PublicKey) => boolean
  /** Whether there are spaces that can't be read, which may be own ones. */
  readonly isDamaged: () => boolean
  /** Makes an own space. */
  readonly found: () => Promise<Space>
  /** Connects the own spaces to the other devices, and those anew in which the identity is again. */
  readonly meet: () => Promise<void>
  /** Takes up a space that is here once more, by a new admission. */
  readonly rejoin: (space: Space, admission: SpaceAdmission) => Promise<void>
  readonly adopt: (
    admission: SpaceAdmission,
    options?: { readonly addresses?: readonly string[]; readonly alsoWrite?: readonly StorageWrite[] },
  ) => Promise<Space>
}

interface UpkeepEvents {
  onSpace(space: Space): void
  onProblem(problem: Error): void
}

/** A profile that spaces have still to be told of. */
const PROFILE_KEY = 'profile'
const ProfileIntent = message('ProfileIntent', { version: uint32(1), displayName: string(2) })

export const profileIntent = ({ displayName }: Profile): StorageWrite => ({
  key: PROFILE_KEY,
  value: ProfileIntent.encode({ version: 1, displayName }),
})

/**
 * Brings about what follows from what is stored: on this device from what others have said in the identity's own space,
 * and in each space from what was said there. All of it can be done again, so that it goes on after a restart; what
 * fails is a problem, and tried again at the next change.
 */
export class Upkeep {
  readonly #parts: IdentityParts
  readonly #events: UpkeepEvents
  readonly #serial = new Serial()
  #waiting: Promise<void> | undefined
  #closed = false

  constructor(parts: IdentityParts, events: UpkeepEvents) {
    this.#parts = parts
    this.#events = events
  }

  /** Resolves when everything has been tried that follows from what is stored now. Never rejects. */
  run(): Promise<void> {
    this.#waiting ??= this.#serial.run(async () => {
      this.#waiting = undefined
      for (const step of [
        this.#found,
        this.#parts.meet,
        this.#takeUp,
        this.#leave,
        this.#record,
        this.#learn,
        this.#tell,
      ])
        await this.#try(step)
    })
    return this.#waiting
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#serial.idle()
  }

  async #try(task: () => Promise<void>): Promise<void> {
    if (this.#closed) return
    try {
      await task.call(this)
    } catch (error) {
      if (!this.#closed) this.#events.onProblem(error instanceof Error ? error : new Error(String(error)))
    }
  }

  /** By the first device, and by one that was brought back by members who know of no own space. */
  async #found(): Promise<void> {
    const { own, spaces, found, keyring, signingContext } = this.#parts
    if (own().length > 0 || this.#parts.isDamaged()) return
    if (spaces().length > 0 || (await keyring.has(signingContext.identityKey))) await found()
  }

  /** Spaces that came with this device, and that another one is in. */
  async #takeUp(): Promise<void> {
    const { storage, own, spaces, adopt, rejoin } = this.#parts
    for (const { admission, done } of await pendingSpaces(storage))
      await this.#try(async () => this.#events.onSpace(await adopt(admission, { alsoWrite: [done] })))
    for (const space of spaces())
      for (const admission of comebacksTo(own(), space))
        if (space.removal !== undefined)
          await this.#try(async () => rejoin(space, await parseAdmission(admission)))
    for (const space of spaces()) await this.#try(() => takeReadKeys(own(), space))
    const here = new Set([...own(), ...spaces()].map(({ key }) => key))
    for (const { spaceKey, admission } of own().flatMap((one) => listIn(one).all())) {
      if (here.has(spaceKey) || this.#parts.isHere(spaceKey) || admission === undefined) continue
      here.add(spaceKey)
      await this.#try(async () => this.#events.onSpace(await adopt(await parseAdmission(admission))))
    }
  }

  async #record(): Promise<void> {
    const { own, spaces } = this.#parts
    for (const one of own())
      for (const space of [...own(), ...spaces()])
        if (space !== one) await this.#try(() => recordSpace(one, space))
  }

  async #leave(): Promise<void> {
    const { own, spaces } = this.#parts
    for (const space of spaces())
      if (isLeftElsewhere(own(), space)) await this.#try(() => leaveElsewhere(own(), space))
  }

  /** The profile and the recovery key that another device has given the identity. */
  async #learn(): Promise<void> {
    const { own, storage, signingContext } = this.#parts
    const { identityKey, profile, recovery } = signingContext
    const [first] = own()
    if (first === undefined) return
    const named = first.membership.recoveries().filter(({ issuer }) => issuer === identityKey)
    const latest = named.at(-1)
    const isNews = recovery === undefined || named.some(({ id }) => id === recovery.id)
    const said = first.membership.profileOf(identityKey)
    const change = signingContext.changed({
      ...(said && { profile: said }),
      ...(latest && isNews && { recovery: latest }),
    })
    if ((said?.displayName ?? profile.displayName) === profile.displayName)
      if (latest === undefined || !isNews || latest.id === recovery?.id) return
    await storage.transact([change.write])
    change.take()
  }

  /** What spaces have to hear of: the loaded ones, then those that are not, which are loaded for it one by one. */
  async #tell(): Promise<void> {
    const { storage, own, spaces, asleep, within } = this.#parts
    const all = [...own(), ...spaces()]
    for (const key of await intended(storage)) {
      const space = all.find((one) => one.key === key)
      if (space?.removal === undefined && space !== undefined) await this.#try(() => carryOut(space, storage))
    }
    const news = await this.#news()
    const { profile, revoked, namings } = news
    for (const space of all) {
      if (space.roleOf(space.self) === undefined) continue
      if (revoked.length > 0) await this.#try(() => revokeHere(space, revoked, namings))
      if (profile !== undefined && space.owner === undefined && isUntold(space, profile))
        await this.#try(() => space.setProfile(profile))
    }
    for (const key of await untoldOf(storage, asleep(), news))
      await this.#try(() => within(key, (space) => tell(space, storage, news)))
    if (profile === undefined || spaces().some((space) => isUntold(space, profile))) return
    if ((await untoldOf(storage, asleep(), news)).length > 0) return
    const { profile: _, ...rest } = news
    const heard = asleep().map((key) => toldWrite(key, rest))
    await storage.transact([{ key: PROFILE_KEY, value: undefined }, ...heard])
  }

  async #news(): Promise<News> {
    const { storage, own, signingContext } = this.#parts
    const { identityKey, deviceKey, recovery } = signingContext
    const stored = await storage.get(PROFILE_KEY)
    return {
      ...(stored && { profile: parseVersioned(ProfileIntent, 1, stored, 'STORAGE_CORRUPT') }),
      revoked: revokedBy(own(), identityKey, deviceKey),
      namings: namingsIn(own(), identityKey),
      ...(recovery && { recovery: recovery.id }),
    }
  }
}
