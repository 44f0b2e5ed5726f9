import { equalBytes, PublicKey } from '@vestibule/keys'
import { SpaceError } from '../error.ts'
import { readBatch } from '../feed/entry.ts'
import { type ForkProof, forkToWire, verifyFork } from '../feed/fork.ts'
import type { SpaceStore } from '../space-store.ts'
import { ForkSearch } from './fork-search.ts'
import { MAX_FEEDS_PER_FRAME, type SpaceFrame } from './frame.ts'

/** Forks that a peer may name of feeds that are not known here (yet). */
const MAX_THEIRS = 10_000

/**
 * What two members say to each other about forks: each names those that it can prove, asks for the proofs that it has
 * none as low for, and looks with the other for where their histories of a feed part.
 */
export class ForkTalk {
  readonly #store: SpaceStore
  readonly #onProof: (proof: ForkProof) => Promise<void>
  /** Where feeds part as the other end was told, and as it said. */
  readonly #told = new Map<PublicKey, number>()
  readonly #theirs = new Map<PublicKey, number>()
  readonly #askedFor = new Map<PublicKey, number>()
  /** What the other end asked for. */
  readonly #toProve = new Set<PublicKey>()
  readonly #toAnswer = new Map<PublicKey, number>()
  readonly #searches = new Map<PublicKey, ForkSearch>()
  readonly #toProbe = new Set<PublicKey>()

  /** @param onProof stores a proof that was verified */
  constructor(store: SpaceStore, onProof: (proof: ForkProof) => Promise<void>) {
    this.#store = store
    this.#onProof = onProof
  }

  /** Their entry differs from the own one, or one before it does. */
  suspect(feed: PublicKey, differs: number): void {
    const own = this.#store.feed(feed)
    if (own === undefined || differs >= this.#at(feed) || differs >= own.length) return
    if (this.#searches.has(feed)) return
    this.#searches.set(feed, new ForkSearch(own, differs))
    this.#toProbe.add(feed)
  }

  /** The next frame to send, if there is one. */
  next(): SpaceFrame | Promise<SpaceFrame> | undefined {
    return this.#tell() ?? this.#ask() ?? this.#prove() ?? this.#probe() ?? this.#answer()
  }

  /** Takes in what a frame says of forks. */
  async read(frame: SpaceFrame): Promise<void> {
    for (const { feed, at } of frame.forks?.forks ?? []) {
      const key = PublicKey.from(feed)
      if (this.#theirs.has(key) || this.#theirs.size < MAX_THEIRS) this.#theirs.set(key, at)
    }
    for (const feed of frame.proofsWanted?.feeds ?? []) {
      const key = PublicKey.from(feed)
      if (this.#store.forks.proofs.has(key)) this.#toProve.add(key)
    }
    if (frame.fork !== undefined) await this.#onFork(PublicKey.from(frame.fork.feed), frame.fork)
    if (frame.probe !== undefined) {
      const key = PublicKey.from(frame.probe.feed)
      if (this.#store.feed(key) !== undefined) this.#toAnswer.set(key, frame.probe.from)
    }
    if (frame.branch !== undefined)
      await this.#onBranch(PublicKey.from(frame.branch.feed), frame.branch.batch)
  }

  #at(feed: PublicKey): number {
    return this.#store.forks.at(feed)
  }

  #tell(): SpaceFrame | undefined {
    const news = [...this.#store.forks.proofs.values()]
      .filter(({ feed, at }) => at < (this.#told.get(feed) ?? Number.POSITIVE_INFINITY))
      .slice(0, MAX_FEEDS_PER_FRAME)
    if (news.length === 0) return undefined
    for (const { feed, at } of news) this.#told.set(feed, at)
    return { forks: { forks: news.map(({ feed, at }) => ({ feed: feed.toBytes(), at })) } }
  }

  #ask(): SpaceFrame | undefined {
    const feeds: PublicKey[] = []
    for (const [feed, at] of this.#theirs) {
      if (feeds.length === MAX_FEEDS_PER_FRAME) break
      const isNews = at < this.#at(feed) && at < (this.#askedFor.get(feed) ?? Number.POSITIVE_INFINITY)
      if (!isNews || this.#store.feed(feed) === undefined) continue
      this.#askedFor.set(feed, at)
      feeds.push(feed)
    }
    return feeds.length === 0 ? undefined : { proofsWanted: { feeds: feeds.map((key) => key.toBytes()) } }
  }

  #prove(): SpaceFrame | undefined {
    for (const feed of this.#toProve) {
      this.#toProve.delete(feed)
      const proof = this.#store.forks.proofs.get(feed)
      if (proof !== undefined) return { fork: forkToWire(proof) }
    }
    return undefined
  }

  #probe(): SpaceFrame | undefined {
    for (const feed of this.#toProbe) {
      this.#toProbe.delete(feed)
      const search = this.#searches.get(feed)
      if (search !== undefined) return { probe: { feed: feed.toBytes(), from: search.from } }
    }
    return undefined
  }

  #answer(): Promise<SpaceFrame> | undefined {
    for (const [feed, from] of this.#toAnswer) {
      this.#toAnswer.delete(feed)
      return this.#branch(feed, from)
    }
    return undefined
  }

  async #branch(key: PublicKey, from: number): Promise<SpaceFrame> {
    const feed = this.#store.feed(key)
    const batch = feed && from < feed.limit ? await feed.batch(from, from + 1) : undefined
    return { branch: { feed: key.toBytes(), ...(batch && { batch }) } }
  }

  async #onFork(feed: PublicKey, fork: NonNullable<SpaceFrame['fork']>): Promise<void> {
    const own = this.#store.feed(feed)
    if (own === undefined || !this.#askedFor.has(feed))
      throw new SpaceError('BAD_FORK', 'a proof that nobody asked for')
    const proof = await verifyFork(this.#store.record.spaceKey, feed, fork)
    if (proof.at < this.#at(feed)) await this.#onProof(proof)
    // What is here may have left both histories earlier.
    const { from, previous } = proof.one
    if (from > 0 && own.length >= from && !equalBytes(previous, await own.hashOf(from - 1)))
      this.suspect(feed, from - 1)
  }

  async #onBranch(feed: PublicKey, batch: NonNullable<SpaceFrame['branch']>['batch']): Promise<void> {
    const search = this.#searches.get(feed)
    if (search === undefined) return
    const { spaceKey: space } = this.#store.record
    const found = batch && (await search.take(await readBatch({ space, feed }, batch)))
    if (found === 'next') this.#toProbe.add(feed)
    else this.#searches.delete(feed)
    if (typeof found === 'object' && found.at < this.#at(feed)) await this.#onProof(found)
  }
}
