import type { PublicKey } from '@vestibule/keys'
import type { SigningContext } from '../identity/signing-context.ts'
import type { SpaceStore } from '../space-store.ts'

/**
 * All feeds that this device has, or has had, in a space: those that it writes to now, and those of before, whose
 * place others took when its member was removed, demoted or came back, or when they forked.
 */
export function ownFeeds({ record, roster }: SpaceStore, { deviceKey }: SigningContext): PublicKey[] {
  const { controlFeedKey, dataFeedKey } = record
  const current = dataFeedKey === undefined ? [controlFeedKey] : [controlFeedKey, dataFeedKey]
  const all = roster.feedKeys().filter((key) => roster.feed(key)?.device === deviceKey)
  return [...new Set([...current, ...all])]
}
