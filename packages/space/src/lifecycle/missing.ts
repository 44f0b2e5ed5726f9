import type { PublicKey } from '@vestibule/keys'
import type { SpaceStore } from '../space-store.ts'

/** What a space lacks, as far as is known here. */
export type Missing =
  /** The acts that the own admission rests on: until they are here its word is taken. */
  | { readonly what: 'OWN_GRANT' }
  /** Acts that come after others which are not here. */
  | { readonly what: 'ACTS'; readonly count: number }
  /** Entries of a control feed that whoever admitted this device had. */
  | {
      readonly what: 'CONTROL_FEED'
      readonly feed: PublicKey
      readonly have: number
      readonly length: number
    }
  /** Entries of a data feed that a member who is connected says it has. */
  | {
      readonly what: 'DATA_FEED'
      readonly feed: PublicKey
      readonly have: number
      readonly length: number
    }
  /** The key that is read and written with now, by the id of its `Epoch`. */
  | { readonly what: 'READ_KEY'; readonly epoch: string }

/** What is lacking of the space as it was when this device came in, and to read it now. */
export function missingOf(store: SpaceStore): Missing[] {
  const { roster, readKeys } = store
  const { membership } = roster
  const current = membership.epochs().current?.id
  return [
    ...(roster.provisional ? [{ what: 'OWN_GRANT' } as const] : []),
    ...(membership.waiting > 0 ? [{ what: 'ACTS', count: membership.waiting } as const] : []),
    ...roster.promised.flatMap(({ feed, length }) => {
      const have = store.feed(feed)?.length ?? 0
      return have < length ? [{ what: 'CONTROL_FEED', feed, have, length } as const] : []
    }),
    ...(current === undefined || readKeys.get(current) !== undefined
      ? []
      : [{ what: 'READ_KEY', epoch: current } as const]),
  ]
}

/** What is lacking of the messages that others have; a removed member's, for one, are not asked for beyond the removal. */
export function missingMessages(store: SpaceStore, lengthElsewhere: (feed: PublicKey) => number): Missing[] {
  return store.feeds().flatMap(({ key: feed, length: have, limit }) => {
    const length = Math.min(lengthElsewhere(feed), limit)
    const isMissing = have < length && store.roster.feed(feed)?.purpose === 'DATA'
    return isMissing ? [{ what: 'DATA_FEED', feed, have, length } as const] : []
  })
}
