import { isAtLeast } from '@vestibule/credentials'
import type { PublicKey } from '@vestibule/keys'
import { admitOwnFeed } from '../admission/own-feed.ts'
import { SpaceError } from '../error.ts'
import { withFreshKeys } from '../fresh-keys.ts'
import type { SpaceStore } from '../space-store.ts'
import type { Actor } from './perform.ts'

/**
 * The own data feed, to be written to. A device whose member may write, and that has none, admits one by itself: it was
 * a reader until now, or its feed was cut when its member was removed or demoted, and it is back. Inside the store's
 * serial.
 *
 * @throws SpaceError `NOT_A_MEMBER`, `NOT_ALLOWED` for a reader; key and storage errors
 */
export async function ownDataFeed(actor: Actor): Promise<PublicKey> {
  const { store, keyring, signingContext } = actor
  const { identityKey } = signingContext
  const role = store.roster.roleOf(identityKey)
  if (role === undefined) throw new SpaceError('NOT_A_MEMBER', 'the own identity is no longer a member')
  if (!isAtLeast(role, 'EDITOR')) throw new SpaceError('NOT_ALLOWED', 'a reader writes no messages')
  const { dataFeedKey } = store.record
  if (dataFeedKey !== undefined && isOpen(store, dataFeedKey)) return dataFeedKey
  return withFreshKeys(keyring, async (createKey) => {
    const feed = await createKey()
    const { spaceKey: space } = store.record
    const admitted = await admitOwnFeed(actor, { space, feed, purpose: 'DATA' }, store.parentsOfNext())
    const record = { ...store.record, dataFeedKey: feed }
    await store.append(keyring, store.record.controlFeedKey, [admitted.encoded], [store.recordWrite(record)])
    store.record = record
    return feed
  })
}

const isOpen = ({ roster, horizon }: SpaceStore, feed: PublicKey): boolean =>
  roster.feed(feed)?.purpose === 'DATA' && horizon.limitOf(feed) === Number.POSITIVE_INFINITY
