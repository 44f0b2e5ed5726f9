import type { PublicKey } from '@vestibule/keys'
import type { SpaceStore } from '../space-store.ts'

/** What a space lacks, as far as is known here, to show everything that was there when this device came in. */
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
  /** The key that is read and written with now, by the id of its `Epoch`. */
  | { readonly what: 'READ_KEY'; readonly epoch: string }

/** See {@link Missing}. What connected members have beyond that is for `Space.synced`. */
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
