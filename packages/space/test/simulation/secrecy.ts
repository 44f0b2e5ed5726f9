import type { PublicKey } from '@vestibule/keys'
import { Feed } from '../../src/feed/feed.ts'
import { PlacedMessage } from '../../src/message.ts'
import { storageKeys } from '../../src/record.ts'
import type { Device } from './device.ts'
import type { History } from './history.ts'
import { storeOf } from './observe.ts'
import type { Oracle } from './oracle.ts'

/**
 * Nobody holds the read key of a message
 *
 * 1. whose author knew, when it wrote it, that they were no longer members: by the acts of the run alone, those who were
 *    ended once, and neither admitted again nor members after all;
 * 2. whose author had not heard that they were admitted, when whoever did so did it without the history.
 *
 * Not in what they keep, not in anything that their keys ever opened, and not in an epoch that is sealed to them,
 * wherever that went.
 */
export function checkSecrecy(
  inside: readonly Device[],
  epochs: ReadonlyMap<string, string>,
  history: History,
  oracle: Oracle,
): void {
  const keys = new Map(
    inside.flatMap(({ space }) =>
      space === undefined
        ? []
        : storeOf(space)
            .readKeys.all()
            .map(({ epoch, key }) => [epoch, key.unwrap()] as const),
    ),
  )
  for (const { outcome, without, heard, text } of history.writes) {
    const epoch = typeof outcome === 'object' ? epochs.get(outcome.id) : undefined
    const key = epoch === undefined ? undefined : keys.get(epoch)
    if (epoch === undefined || key === undefined) continue
    for (const device of inside) {
      const { identity, name } = device
      if (identity === undefined) continue
      const isGone =
        without.includes(identity) && !oracle.members.has(identity) && history.isGoneForGood(name)
      const isLater = heard?.has(identity) === false && history.isBare(name)
      if (!isGone && !isLater) continue
      history.law(
        'nobody reads what it may not',
        !holds(device, epoch, key, inside),
        () => `${name} reads “${text}”`,
      )
    }
  }
}

/** Whether a device can come by a read key with all that it ever had, and all epochs there are. */
function holds(
  { space, keyring, running }: Device,
  epoch: string,
  key: Uint8Array,
  all: readonly Device[],
): boolean {
  const hex = Buffer.from(key).toString('hex')
  const own = space === undefined ? [] : storeOf(space).readKeys.all()
  if (own.some((one) => Buffer.from(one.key.unwrap()).toString('hex') === hex)) return true
  if (keyring.opened.some((content) => content.includes(hex))) return true
  const device = running?.signingContext.deviceKey
  return all.some((other) => {
    const claim = other.space && storeOf(other.space).roster.membership.get(epoch)?.claim
    return claim?.type === 'Epoch' && claim.keys.some((sealed) => sealed.device === device)
  })
}

/** The epoch of each message, by its id, as its author's disk has it. */
export async function epochsOf(
  inside: readonly Device[],
  feeds: ReadonlyMap<PublicKey, Device>,
): Promise<Map<string, string>> {
  const epochs = new Map<string, string>()
  const space = inside[0]?.space?.key
  if (space === undefined) return epochs
  for (const [feed, { disk, identity, running }] of feeds) {
    if (identity === undefined || running === undefined) continue
    const from = { space, feed, member: identity, device: running.signingContext.deviceKey }
    await Feed.open(await disk.copy(), storageKeys.feed(space, feed), { space, key: feed }, (entries) => {
      for (const entry of entries) {
        const epoch = PlacedMessage.of(entry, from)?.epoch
        if (epoch !== undefined) epochs.set(Buffer.from(entry.hash).toString('hex'), epoch)
      }
    })
  }
  return epochs
}
