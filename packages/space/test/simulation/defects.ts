import { Membership } from '@vestibule/credentials'
import type { PublicKey } from '@vestibule/keys'
import { type Member, Space } from '../../src/index.ts'
import { FOUNDING_EPOCH } from '../../src/read-keys/read-key.ts'
import { PeerSync } from '../../src/replication/peer-sync.ts'
import { Roster } from '../../src/roster.ts'
import { SpaceStore } from '../../src/space-store.ts'
import { Disk, type DiskDefect } from './disk.ts'

/** Something wrong that is put in, to see that a run finds it. */
export interface Defect {
  readonly name: string
  /** A seed that has found it. */
  readonly seed: number
  /** The laws that it may break. */
  readonly breaks: readonly string[]
  /** @returns what takes it out again */
  readonly put: () => () => void
}

/** Puts another member in the place of one, made from it. */
function replace<T extends object, K extends keyof T>(
  where: T,
  key: K,
  make: (before: T[K]) => T[K],
): () => void {
  const before = where[key]
  where[key] = make(before)
  return () => {
    where[key] = before
  }
}

export const DEFECTS: readonly Defect[] = [
  {
    name: 'a disk says that it is done before it is',
    seed: 7,
    breaks: [
      'memory follows storage',
      'what was acknowledged is kept',
      'what was delivered is at another',
      'an act is refused for what it says it may be',
    ],
    put: () => replace(Disk, 'defect', (): DiskDefect => 'acknowledges early'),
  },
  {
    name: 'a transaction that fails leaves half of it',
    seed: 34,
    breaks: [
      'memory follows storage',
      'an act is refused for what it says it may be',
      'what was refused was not done',
      'what counts is with all members',
    ],
    put: () => replace(Disk, 'defect', (): DiskDefect => 'fails by half'),
  },
  {
    name: 'delivered does not wait',
    seed: 9,
    breaks: ['what was delivered is at another'],
    put: () => replace(Space.prototype, 'delivered', () => async () => {}),
  },
  {
    name: 'one who was removed is shown as a member',
    seed: 1,
    breaks: ['all agree on the members', 'memory follows storage'],
    put: () => {
      const seen = new WeakMap<Roster, Map<PublicKey, Member>>()
      return replace(
        Roster.prototype,
        'members',
        (members) =>
          function (this: Roster) {
            const all = seen.get(this) ?? new Map()
            for (const one of members.call(this)) all.set(one.identityKey, one)
            seen.set(this, all)
            return [...all.values()]
          },
      )
    },
  },
  {
    name: 'a role is not changed',
    seed: 1,
    breaks: ['all agree on the members'],
    put: () =>
      replace(
        Roster.prototype,
        'members',
        (members) =>
          function (this: Roster) {
            return members
              .call(this)
              .map((one) => ({ ...one, role: one.role === 'OWNER' ? 'ADMIN' : one.role }))
          },
      ),
  },
  {
    name: 'one who may not admits, and is told that it did',
    seed: 1,
    breaks: ['what an act says is done is done'],
    put: () => replace(Membership.prototype, 'may', () => () => true),
  },
  {
    name: 'a feed is not asked for',
    seed: 2,
    breaks: ['what counts is with all members', 'all agree on the members'],
    put: () =>
      replace(
        PeerSync.prototype,
        'step',
        (step) =>
          function (this: PeerSync, local) {
            return step.call(this, local.length > 4 ? local.slice(0, -1) : local)
          },
      ),
  },
  {
    name: 'messages stand in the order of clocks',
    seed: 35,
    breaks: ['a message stands behind what its author knew'],
    put: () =>
      replace(
        SpaceStore.prototype,
        'messages',
        (messages) =>
          function (this: SpaceStore, ...which) {
            return messages.call(this, ...which).sort((a, b) => a.timestampMs - b.timestampMs)
          },
      ),
  },
  {
    name: 'a message is sealed under the key of the founding',
    seed: 25,
    breaks: ['nobody reads what it may not'],
    put: () =>
      replace(
        SpaceStore.prototype,
        'placeOfNext',
        (place) =>
          function (this: SpaceStore, feed, epoch, after) {
            return place.call(this, feed, this.readKeys.has(FOUNDING_EPOCH) ? FOUNDING_EPOCH : epoch, after)
          },
      ),
  },
  {
    name: 'a removal asks for no new read key',
    seed: 25,
    breaks: ['nobody reads what it may not'],
    put: () =>
      replace(
        Membership.prototype,
        'epochs',
        (epochs) =>
          function (this: Membership) {
            return { ...epochs.call(this), isNeeded: false, isBlocked: false }
          },
      ),
  },
  {
    name: 'one who came without the history is handed it',
    seed: 1,
    breaks: ['nobody reads what it may not'],
    put: () => replace(Membership.prototype, 'mayRead', () => () => true),
  },
]
