import type { PublicKey } from '@vestibule/keys'
import type { Channel } from '@vestibule/network'
import { headToWire } from '../admission/admission.ts'
import type { SpaceStore } from '../space-store.ts'
import { MAX_FEEDS_PER_FRAME, SpaceFrame } from './frame.ts'
import type { SpacePeer } from './handshake.ts'

/**
 * The last that a device is told whose member is no longer one: what ended the membership, which is about itself, and
 * how far its own control feeds are stored here, so that one who leaves knows that it was heard.
 */
export async function sayFarewell(
  channel: Channel,
  store: SpaceStore,
  { identityKey }: SpacePeer,
  signal: AbortSignal,
): Promise<void> {
  const { roster } = store
  const removal = departureCredential(store, identityKey)
  const heads = store
    .feeds()
    .filter(({ key }) => {
      const info = roster.feed(key)
      return info?.member === identityKey && info.purpose === 'CONTROL'
    })
    .flatMap(({ signedHead }) => signedHead ?? [])
    .slice(0, MAX_FEEDS_PER_FRAME)
    .map(headToWire)
  const frame = { verdict: 'NOT_A_MEMBER', heads: { heads }, ...(removal && { removal }) } as const
  await channel.send(SpaceFrame.encode(frame), { signal })
  await channel.close()
}

/** The credential by which somebody is no longer a member, encoded; `undefined` for a member, and for a stranger. */
export function departureCredential({ roster }: SpaceStore, identity: PublicKey): Uint8Array | undefined {
  const departure = roster.departureOf(identity)
  return departure && roster.membership.get(departure.credentialId)?.encoded
}
