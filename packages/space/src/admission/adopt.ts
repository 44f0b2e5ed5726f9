import { isAtLeast } from '@vestibule/credentials'
import type { Keyring, PublicKey } from '@vestibule/keys'
import { SpaceError } from '../error.ts'
import { createBatch, emptyHead, type FeedBatch } from '../feed/entry.ts'
import { withFreshKeys } from '../fresh-keys.ts'
import type { SigningContext } from '../identity/signing-context.ts'
import type { SpaceStore } from '../space-store.ts'
import type { StagedStorage } from '../storage/staged-storage.ts'
import { prepareAcceptance } from './accept.ts'
import type { SpaceAdmission } from './admission.ts'
import { admitOwnFeed } from './own-feed.ts'

/** This device, as it will act in the space. */
interface Own {
  readonly keyring: Keyring
  readonly signingContext: SigningContext
}

/**
 * Takes up, for a new device, a space of which its identity is a member: the device admits feeds of its own, and its
 * control feed begins with what shows that it may. Gives what has to be stored, and takes its keys back when `store`
 * fails.
 *
 * @throws SpaceError `BAD_ADMISSION`, or what is wrong with a feed in it; key errors, and whatever `store` throws
 */
export async function adopt(
  admission: SpaceAdmission,
  own: Own,
  store: (staged: StagedStorage) => Promise<void>,
): Promise<SpaceStore> {
  return withFreshKeys(own.keyring, async (createKey) => {
    const feeds = { controlFeedKey: await createKey(), dataFeedKey: await createKey() }
    const { named, batch } = await withOwnFeeds(admission, feeds, own)
    const controlFeeds = [...named.controlFeeds, { feed: feeds.controlFeedKey, batches: [batch] }]
    const prepared = await prepareAcceptance({ ...named, controlFeeds }, feeds, own)
    await store(prepared.staged)
    return prepared.store
  })
}

/**
 * Takes up, for a device that has the space already, a new membership that came to another device of its identity: with
 * fresh feeds, of which others hear as of those of a new device.
 * @param take stores it all: see `readmit`
 * @throws SpaceError `BAD_ADMISSION`, or what is wrong with a feed in it; key errors, and whatever `take` throws
 */
export async function rejoin(
  admission: SpaceAdmission,
  own: Own,
  take: (admission: SpaceAdmission, fresh: SpaceStore) => Promise<void>,
): Promise<void> {
  await withFreshKeys(own.keyring, async (createKey) => {
    const feeds = { controlFeedKey: await createKey(), dataFeedKey: await createKey() }
    const { named } = await withOwnFeeds(admission, feeds, own)
    await take(named, (await prepareAcceptance(named, feeds, own)).store)
  })
}

async function withOwnFeeds(
  admission: SpaceAdmission,
  feeds: { readonly controlFeedKey: PublicKey; readonly dataFeedKey: PublicKey },
  own: Own,
): Promise<{ readonly named: SpaceAdmission; readonly batch: FeedBatch }> {
  const { spaceKey: space, path } = admission
  const grant = path.at(-1)
  if (grant === undefined) throw new SpaceError('BAD_ADMISSION', 'no grant')
  const named = [...own.signingContext.chain].reverse()
  const after = [grant.id, ...named.map(({ id }) => id)]
  const control = await admitOwnFeed(own, { space, feed: feeds.controlFeedKey, purpose: 'CONTROL' }, after)
  const writes = 'role' in grant.claim && isAtLeast(grant.claim.role, 'EDITOR')
  const ofData = { space, feed: feeds.dataFeedKey, purpose: 'DATA' } as const
  const data = writes ? [await admitOwnFeed(own, ofData, [control.id])] : []
  const payloads = [...named, control, ...data].map(({ encoded }) => encoded)
  const { batch } = await createBatch(own.keyring, emptyHead(space, feeds.controlFeedKey), payloads)
  return {
    named: { ...admission, credentials: [...admission.credentials, ...named, control, ...data] },
    batch,
  }
}
