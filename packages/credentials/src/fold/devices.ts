import type { PublicKey } from '@vestibule/keys'
import { MAX_CHAIN_LENGTH } from '../envelope.ts'
import type { Act } from './acts.ts'
import type { Causality } from './causality.ts'

/** How senior a key is for its identity: the level first, then the act that named it there. */
interface Place {
  readonly level: number
  readonly at: number
}

/**
 * Which keys sign for an identity, as far as the acts of the graph say, and which of two is senior. The recovery
 * key is above the identity's own, that above the devices which it named, those above the devices that they
 * named, and on one level the order of the naming decides. So only a key above may set where another stands: no
 * stolen device can place itself, or one of its making, above the one that named it.
 */
export class Devices {
  readonly #causality: Causality
  readonly #places = new Map<PublicKey, Map<PublicKey, Place>>()
  readonly #bySigner = new Map<PublicKey, Map<PublicKey, [PublicKey, number][]>>()
  readonly #byDevice = new Map<PublicKey, Map<PublicKey, number[]>>()
  readonly #owners = new Map<PublicKey, PublicKey[]>()
  readonly #signers = new Map<number, PublicKey>()
  readonly #revocations = new Map<PublicKey, Map<PublicKey, number[]>>()

  constructor(causality: Causality) {
    this.#causality = causality
  }

  /** Takes in an act about devices. Says whether anybody's place has changed. */
  add({ claim, issuer, signer }: Act, index: number): boolean {
    if (claim.type === 'RevokedDevice') {
      pushAt(this.#revocations, issuer, claim.device, index)
      return false
    }
    if (claim.type === 'IdentityRecovery')
      return this.#settle(issuer, claim.recoveryKey, { level: -1, at: index })
    if (claim.type !== 'AuthorizedDevice') return false
    this.#signers.set(index, signer)
    pushAt(this.#bySigner, issuer, signer, [claim.device, index])
    if (this.namingsOf(issuer, claim.device).length === 0)
      this.#owners.set(claim.device, [...this.ownersOf(claim.device), issuer])
    pushAt(this.#byDevice, issuer, claim.device, index)
    return this.#relax(issuer, signer, claim.device, index)
  }

  /** Acts that revoke devices of an identity: of one device, or of any. */
  revocations(identity: PublicKey, device?: PublicKey): readonly number[] {
    const all = this.#revocations.get(identity)
    if (all === undefined) return []
    return device === undefined ? [...all.values()].flat() : (all.get(device) ?? [])
  }

  isRevoking(identity: PublicKey): boolean {
    return this.#revocations.has(identity)
  }

  /** The level of a key: 0 for the identity's own; nothing for one that no act names. */
  level(identity: PublicKey, key: PublicKey): number | undefined {
    return key === identity ? 0 : this.#places.get(identity)?.get(key)?.level
  }

  /** The identities that have named a device as theirs: one, unless somebody names another's. */
  ownersOf(device: PublicKey): readonly PublicKey[] {
    return this.#owners.get(device) ?? []
  }

  /** The acts that name a device. */
  namingsOf(identity: PublicKey, device: PublicKey): readonly number[] {
    return this.#byDevice.get(identity)?.get(device) ?? []
  }

  /** Those of them that are by keys above it. */
  namingsAbove(identity: PublicKey, device: PublicKey): number[] {
    const own = this.level(identity, device) ?? Number.POSITIVE_INFINITY
    return this.namingsOf(identity, device).filter((at) => {
      const signer = this.#signers.get(at)
      const level = signer === undefined ? undefined : this.level(identity, signer)
      return level !== undefined && level < own
    })
  }

  isSenior(identity: PublicKey, a: PublicKey, b: PublicKey): boolean {
    if (a === b) return false
    const [x, y] = [this.level(identity, a), this.level(identity, b)]
    if (x === undefined || y === undefined) return x !== undefined
    if (x !== y) return x < y
    const places = this.#places.get(identity)
    return this.#causality.order(places?.get(a)?.at ?? 0, places?.get(b)?.at ?? 0) < 0
  }

  #relax(identity: PublicKey, signer: PublicKey, device: PublicKey, at: number): boolean {
    const above = this.level(identity, signer)
    if (above === undefined || device === identity || above >= MAX_CHAIN_LENGTH) return false
    return this.#settle(identity, device, { level: Math.max(above, 0) + 1, at })
  }

  #settle(identity: PublicKey, key: PublicKey, place: Place): boolean {
    let places = this.#places.get(identity)
    if (places === undefined) {
      places = new Map()
      this.#places.set(identity, places)
    }
    const old = places.get(key)
    if (old !== undefined && old.level < place.level) return false
    if (old?.level === place.level && this.#causality.order(old.at, place.at) <= 0) return false
    places.set(key, place)
    if (old?.level !== place.level)
      for (const [device, at] of this.#bySigner.get(identity)?.get(key) ?? [])
        this.#relax(identity, key, device, at)
    return true
  }
}

function pushAt<K, L, V>(map: Map<K, Map<L, V[]>>, outer: K, inner: L, value: V): void {
  const lists = map.get(outer) ?? new Map<L, V[]>()
  map.set(outer, lists)
  const list = lists.get(inner)
  if (list === undefined) lists.set(inner, [value])
  else list.push(value)
}
