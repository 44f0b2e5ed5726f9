import type { PublicKey } from '@vestibule/keys'
import type { Space } from '../space.ts'

/** A device of the own identity. */
export interface IdentityDevice {
  readonly key: PublicKey
  /** What it is called; empty unless it was given a name. */
  readonly label: string
  /** Whether it is this one. */
  readonly current: boolean
  /** Milliseconds since 1970 by the clock of the device, or of the recovery, that added it. */
  readonly addedMs: number
  /** Whether it no longer speaks for the identity. */
  readonly revoked: boolean
}

/** The devices that an identity's own spaces name, those that were revoked too, in the order in which they were named. */
export function devicesIn(own: readonly Space[], identity: PublicKey, current: PublicKey): IdentityDevice[] {
  const devices = new Map<PublicKey, IdentityDevice>()
  for (const space of own)
    for (const { key, authorized, label, revoked } of space.membership.devicesOf(identity)) {
      const other = devices.get(key)
      devices.set(key, {
        key,
        label: other?.label || label,
        current: key === current,
        addedMs: Math.min(authorized.issuedAtMs, other?.addedMs ?? Number.POSITIVE_INFINITY),
        revoked: revoked || other?.revoked === true,
      })
    }
  return [...devices.values()]
}
