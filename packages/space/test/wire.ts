import { randomBytes } from '@noble/hashes/utils.js'
import type { PublicKey } from '@vestibule/keys'
import type { Channel } from '@vestibule/network'
import type { FeedBatch } from '../src/feed/entry.ts'
import type { Space, SpaceError } from '../src/index.ts'
import { SpaceFrame } from '../src/replication/frame.ts'
import { shakeHands } from '../src/replication/handshake.ts'
import { channelPair, type Person, trusting } from './world.ts'

/** Serves a channel until it ends. @returns why it did */
export const serve = (space: Space, channel: Channel): Promise<SpaceError> =>
  space.serve(channel, new AbortController().signal).then(
    () => Promise.reject(new Error('a session ended without a reason')),
    (error: SpaceError) => error,
  )

/** A channel on which a person has been accepted, with helpers to say anything. */
export async function connected(space: Space, person: Person) {
  const [channel, theirs] = channelPair(person.name, 'host')
  const served = serve(space, theirs)
  const { signingContext } = person
  await shakeHands(channel, {
    spaceKey: space.key,
    signingContext,
    ...trusting,
    nonce: randomBytes(32),
    signal: new AbortController().signal,
  })
  const send = (frame: SpaceFrame) => channel.send(SpaceFrame.encode(frame))
  return {
    channel,
    served,
    send,
    entries: (feed: PublicKey, batch: FeedBatch) => send({ entries: { feed: feed.toBytes(), batch } }),
    /** Reads until the host says that it has stored a feed up to there. */
    stored: async (feed: PublicKey, length: number): Promise<void> => {
      for (;;) {
        const { heads } = SpaceFrame.parseLenient(await channel.receive())
        for (const head of heads?.heads ?? [])
          if (head.length === length && feed.toBytes().every((byte, i) => byte === head.feed[i])) return
      }
    },
  }
}

/** The next frame with a field. */
export async function nextWith(channel: Channel, field: keyof SpaceFrame): Promise<SpaceFrame> {
  for (;;) {
    const frame = SpaceFrame.parseLenient(await channel.receive())
    if (frame[field] !== undefined) return frame
  }
}

/** A channel of which some methods do something else. */
export const around = (channel: Channel, changed: Partial<Channel>): Channel => ({
  localPeer: channel.localPeer,
  remotePeer: channel.remotePeer,
  initiator: channel.initiator,
  ended: channel.ended,
  send: (frame, options) => channel.send(frame, options),
  receive: (options) => channel.receive(options),
  close: () => channel.close(),
  abort: (reason) => channel.abort(reason),
  ...changed,
})
