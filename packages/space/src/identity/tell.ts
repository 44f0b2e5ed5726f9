import { sha256 } from '@noble/hashes/sha2.js'
import type { Device, Profile } from '@vestibule/credentials'
import { equalBytes, type PublicKey } from '@vestibule/keys'
import type { Space } from '../space.ts'
import type { Storage, StorageWrite } from '../storage/storage.ts'
import { carryOut, intended, revokeHere } from './revocation.ts'

/** What a space has to hear of the identity from this device. */
export interface News {
  /** A profile that spaces are being told of. */
  readonly profile?: Profile
  /** The devices that this one has revoked. */
  readonly revoked: readonly PublicKey[]
  /** See `namingsIn`. */
  readonly namings: readonly Device[]
  /** The id of what names the recovery key. */
  readonly recovery?: string
}

const told = (space: PublicKey): string => `told/${space.toHex()}`

const digestOf = ({ profile, revoked, recovery }: News): Uint8Array =>
  sha256(
    new TextEncoder().encode(
      JSON.stringify([profile?.displayName, revoked.map((key) => key.toHex()).sort(), recovery]),
    ),
  )

/** Whether a space shows the own identity by another name. */
export const isUntold = (space: Space, { displayName }: Profile): boolean =>
  space
    .members()
    .some(({ identityKey, profile }) => identityKey === space.self && profile.displayName !== displayName)

/** Those of the spaces that are not loaded which have not heard of all that is known now. */
export async function untoldOf(
  storage: Storage,
  asleep: readonly PublicKey[],
  news: News,
): Promise<PublicKey[]> {
  const kept = new Set(await intended(storage))
  const digest = digestOf(news)
  const untold: PublicKey[] = []
  for (const key of asleep) {
    const known = await storage.get(told(key))
    if (kept.has(key) || known === undefined || !equalBytes(known, digest)) untold.push(key)
  }
  return untold
}

/** That a space which is not loaded has heard of this. */
export const toldWrite = (space: PublicKey, news: News): StorageWrite => ({
  key: told(space),
  value: digestOf(news),
})

/** Tells a space all of it, and remembers that, so that it is not loaded for it again. */
export async function tell(space: Space, storage: Storage, news: News): Promise<void> {
  if (space.removal === undefined) {
    await space.publishRecovery()
    if (news.profile !== undefined && isUntold(space, news.profile)) await space.setProfile(news.profile)
    await carryOut(space, storage)
    if (news.revoked.length > 0) await revokeHere(space, news.revoked, news.namings)
  }
  await storage.transact([toldWrite(space.key, news)])
}
