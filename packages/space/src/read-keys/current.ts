import type { PublicKey } from '@vestibule/keys'
import type { SpaceStore } from '../space-store.ts'
import { FOUNDING_EPOCH, type ReadKey } from './read-key.ts'

/** Which epoch is to be written under, and whether this device can. */
export interface CurrentEpoch {
  readonly epoch: string
  /** Nothing is written: somebody who was removed, or a device that was revoked, holds every read key. */
  readonly isBlocked: boolean
  readonly isHeld: boolean
}

/** As things are here. While the history of a large space is on its way the host's last word holds. */
export function currentEpoch({ roster, readKeys }: SpaceStore): CurrentEpoch {
  const newest = readKeys.all().at(-1)
  if (roster.provisional && newest !== undefined)
    return { epoch: newest.epoch, isBlocked: false, isHeld: true }
  const { current, isBlocked } = roster.membership.epochs()
  const epoch = current?.id ?? FOUNDING_EPOCH
  return { epoch, isBlocked, isHeld: readKeys.has(epoch) }
}

/** The read keys that are held, in the order of their epochs: the current one is the last, when it is among them. */
export function heldInOrder(store: SpaceStore): ReadKey[] {
  const { readKeys, roster } = store
  const { epoch: current } = currentEpoch(store)
  const known = roster.membership.epochs().all.map(({ id }) => id)
  const place = new Map([FOUNDING_EPOCH, ...known].map((epoch, at) => [epoch, at]))
  const rank = ({ epoch }: ReadKey): number =>
    epoch === current ? Number.POSITIVE_INFINITY : (place.get(epoch) ?? -1)
  return readKeys.all().sort((a, b) => (rank(a) === rank(b) ? 0 : rank(a) - rank(b)))
}

/** The epoch of the read key that came last, when nothing is known here of that epoch. */
export function newestUnheard({ roster, readKeys }: SpaceStore): string | undefined {
  const epoch = readKeys.all().at(-1)?.epoch
  return epoch === FOUNDING_EPOCH || epoch === undefined || roster.membership.has(epoch) ? undefined : epoch
}

/**
 * The epochs whose read keys this device is to have and has not: those that count, in the order, and those that do not,
 * or not any more, under which something was written.
 */
export function missingEpochs({ roster, readKeys, unread }: SpaceStore, identity: PublicKey): string[] {
  const { membership } = roster
  if (roster.provisional) return []
  const ids = new Set([...membership.epochs().all.map(({ id }) => id), ...unread.epochs()])
  const missing = [...ids].filter((id) => !readKeys.has(id) && membership.mayRead(identity, id))
  const founding = !readKeys.has(FOUNDING_EPOCH) && membership.mayRead(identity)
  return founding ? [FOUNDING_EPOCH, ...missing] : missing
}

/** The newest of some read keys, and the founding one: no credential commits to it, so nobody could check it later. */
export function atMost(count: number, readKeys: readonly ReadKey[]): ReadKey[] {
  const founding = readKeys.filter(({ epoch }) => epoch === FOUNDING_EPOCH)
  const rest = readKeys.filter(({ epoch }) => epoch !== FOUNDING_EPOCH)
  return [...founding, ...rest.slice(Math.max(0, rest.length + founding.length - count))]
}
