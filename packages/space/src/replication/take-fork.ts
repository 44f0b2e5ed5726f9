import { type Own, renewControlFeed } from '../acts/own-control-feed.ts'
import type { ForkProof } from '../feed/fork.ts'

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
  if (proof.feed === record.controlFeedKey)
    await renewControlFeed(own, orphans, record, [store.forks.write(proof)])
  else {
    const payloads = orphans.map(({ encoded }) => encoded)
    const writes = [store.forks.write(proof)]
    if (payloads.length === 0) await store.write(writes)
    else await store.append(keyring, record.controlFeedKey, payloads, writes)
  }
  store.addFork(proof)
  return isOwn ? 'OWN' : 'OTHER'
}
