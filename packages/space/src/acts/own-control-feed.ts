import type { Credential } from '@vestibule/credentials'
import type { Keyring, PublicKey } from '@vestibule/keys'
import { admitOwnFeed } from '../admission/own-feed.ts'
import { withFreshKeys } from '../fresh-keys.ts'
import type { SigningContext } from '../identity/signing-context.ts'
import { ownDataFeeds, type SpaceRecord } from '../record.ts'
import type { SpaceStore } from '../space-store.ts'
import type { StorageWrite } from '../storage/storage.ts'

/** This device, and what it has of the space. */
export interface Own {
  readonly store: SpaceStore
  readonly keyring: Keyring
  readonly signingContext: SigningContext
}

/**
 * Begins fresh feeds where those of this device count nowhere although its member is one: two had admitted it at once,
 * each with other feeds, and whose feeds it took turned out not to have been in office. Acts that stand in the old
 * control feed alone go into the new one; messages in the old data feed stay here, and may be written again. Inside the
 * serial.
 *
 * @throws storage and key errors; then nothing has changed
 */
export async function keepOwnFeeds(own: Own): Promise<void> {
  const { store } = own
  // One who has left is introduced by its leave alone: see `unheardLeave`.
  if (!isVoid(own) || store.roster.roleOf(own.signingContext.identityKey) === undefined) return
  const orphans = await store.orphansOf(store.record.controlFeedKey, 0)
  const { dataFeedKey: _, ...record } = { ...store.record, past: ownDataFeeds(store.record) }
  await renewControlFeed(own, orphans, record)
}

/** Whether what admitted the own control feed is here and counts no more, and the own device does. */
export function isVoid({
  store,
  signingContext: { identityKey, deviceKey },
}: Pick<Own, 'store' | 'signingContext'>): boolean {
  const { roster, record } = store
  const { membership } = roster
  if (roster.provisional || roster.feed(record.controlFeedKey) !== undefined) return false
  if (membership.isRevoked(identityKey, deviceKey)) return false
  // Where the own word does not count, another would not either.
  return membership
    .credentials()
    .some(
      ({ claim, issuer }) =>
        claim.type === 'AdmittedFeed' && claim.feed === record.controlFeedKey && issuer !== identityKey,
    )
}

/**
 * Goes on with a fresh control feed. It is made known by introduction, as nobody can read of it in another feed of this
 * device. Inside the serial.
 *
 * @param orphans credentials to say again in it
 * @param record as it is to be besides
 */
export async function renewControlFeed(
  own: Own,
  orphans: readonly Credential[],
  record: SpaceRecord,
  alsoWrite: readonly StorageWrite[] = [],
): Promise<void> {
  const { store, keyring } = own
  await withFreshKeys(keyring, async (createKey) => {
    const feed = await createKey()
    const admitted = await admitOwn(own, feed)
    const payloads = [admitted, ...orphans].map(({ encoded }) => encoded)
    await store.renew(keyring, { ...record, controlFeedKey: feed }, payloads, alsoWrite)
  })
}

/** It comes after what admitted the control feed before it and the member: all others have heard of those. */
function admitOwn(own: Own, feed: PublicKey): Promise<Credential> {
  const { store, signingContext } = own
  const { membership } = store.roster
  const before = membership.feeds().get(store.record.controlFeedKey)
  const parents = [before?.credential, membership.members().get(signingContext.identityKey)?.since]
  const { spaceKey: space } = store.record
  return admitOwnFeed(own, { space, feed, purpose: 'CONTROL' }, [
    ...new Set(parents.flatMap((id) => id ?? [])),
  ])
}
