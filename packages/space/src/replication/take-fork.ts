import { type Credential, proveFeed } from '@vestibule/credentials'
import type { Keyring, PublicKey } from '@vestibule/keys'
import { MAX_BATCH_BYTES, MAX_BATCH_ENTRIES } from '../feed/entry.ts'
import type { ForkProof } from '../feed/fork.ts'
import { withFreshKeys } from '../fresh-keys.ts'
import type { SigningContext } from '../identity/signing-context.ts'
import type { SpaceStore } from '../space-store.ts'

interface Own {
  readonly store: SpaceStore
  readonly keyring: Keyring
  readonly signingContext: SigningContext
}

/**
 * Takes a proof, verified, that a feed forked. From now on only what its histories have in common counts, here and
 * with everybody who hears of it. Credentials that only one history carries are no less signed: so that all members
 * fold the same ones, those that are here go into the own control feed. A device whose own feed forked, because it
 * wrote on after its storage was brought back from an earlier copy, goes on with a fresh feed: with a control feed at
 * once, with a data feed when it writes (see `ownDataFeed`). Inside the serial.
 *
 * @returns whose feed it is; `undefined` when a fork as low was known
 * @throws storage and key errors; then the proof is not taken
 */
export async function takeFork(own: Own, proof: ForkProof): Promise<'OWN' | 'OTHER' | undefined> {
  const { store, keyring } = own
  const { record } = store
  if (proof.at >= store.forks.at(proof.feed)) return undefined
  const isControl =
    proof.feed === record.controlFeedKey || store.roster.feed(proof.feed)?.purpose === 'CONTROL'
  const orphans = isControl ? await store.orphansOf(proof.feed, proof.at) : []
  const isOwn = proof.feed === record.controlFeedKey || proof.feed === record.dataFeedKey
  if (proof.feed === record.controlFeedKey) await renewControlFeed(own, proof, orphans)
  else {
    const parts = inBatches(orphans.map(({ encoded }) => encoded))
    const last = parts.pop()
    for (const part of parts) await store.append(keyring, record.controlFeedKey, part)
    if (last === undefined) await store.write([store.forks.write(proof)])
    else await store.append(keyring, record.controlFeedKey, last, [store.forks.write(proof)])
  }
  store.addFork(proof)
  return isOwn ? 'OWN' : 'OTHER'
}

/** It is made known by introduction, as nobody can read of it in another feed of this device. */
async function renewControlFeed(own: Own, proof: ForkProof, orphans: readonly Credential[]): Promise<void> {
  const { store, keyring } = own
  await withFreshKeys(keyring, async (createKey) => {
    const feed = await createKey()
    const admitted = await admitOwn(own, feed)
    const [first = [], ...parts] = inBatches([admitted, ...orphans].map(({ encoded }) => encoded))
    const last = parts.pop()
    const record = { ...store.record, controlFeedKey: feed }
    await store.renew(keyring, record, first, last === undefined ? [store.forks.write(proof)] : [])
    for (const part of parts) await store.append(keyring, feed, part)
    // Cut off before this, the device finds the fork again, as that of a feed which is no longer its own.
    if (last !== undefined) await store.append(keyring, feed, last, [store.forks.write(proof)])
  })
}

/** It comes after what admitted the control feed before it and the member: all others have heard of those. */
async function admitOwn({ store, keyring, signingContext }: Own, feed: PublicKey): Promise<Credential> {
  const { identityKey: member, deviceKey: device } = signingContext
  const { membership } = store.roster
  const before = membership.feeds().get(store.record.controlFeedKey)
  const parents = [before?.credential, membership.members().get(member)?.since]
  const binding = { member, device, feed, purpose: 'CONTROL' } as const
  const proof = await proveFeed({ signer: keyring, ...binding })
  return signingContext.issue(
    { type: 'AdmittedFeed', space: store.record.spaceKey, ...binding, proof },
    { parents: [...new Set(parents.flatMap((id) => id ?? []))].sort() },
  )
}

/** In parts that fit a batch each. */
function inBatches(payloads: readonly Uint8Array[]): Uint8Array[][] {
  const parts: Uint8Array[][] = []
  let room = 0
  for (const payload of payloads) {
    room -= payload.length
    const last = parts.at(-1)
    if (last !== undefined && room >= 0 && last.length < MAX_BATCH_ENTRIES) last.push(payload)
    else {
      parts.push([payload])
      room = MAX_BATCH_BYTES - payload.length
    }
  }
  return parts
}
