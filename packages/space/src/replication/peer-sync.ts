import type { PublicKey } from '@vestibule/keys'

/** A feed of the space as this end has it. */
export interface LocalFeed {
  readonly key: PublicKey
  readonly length: number
  /** So many entries count, up to a cut or a fork; infinity for most feeds. What lies beyond is neither taken nor given. */
  readonly limit: number
}

/** A feed and a number of entries. */
export interface FeedPosition {
  readonly feed: PublicKey
  readonly length: number
}

/** What to send next. */
export type SyncStep =
  | { readonly type: 'want'; readonly feeds: readonly FeedPosition[] }
  | { readonly type: 'announce'; readonly feeds: readonly PublicKey[] }
  | { readonly type: 'send'; readonly feed: PublicKey; readonly from: number; readonly enough: number }
  | { readonly type: 'settle'; readonly wants: number }

/** A peer may name at most so many feeds that are not known here; more are passed over. */
const MAX_UNKNOWN_FEEDS = 10_000
const MAX_FEEDS_PER_STEP = 1024

/**
 * What one end knows of the other, and therefore has to send: pure, without clock, channel or storage.
 *
 * 1. Every feed of the space is asked for once, from the entry that is missing here, now and for what follows; and
 *    again when something of it was refused for lying beyond the limit, and the limit has moved.
 * 2. Only what was asked for is sent, in order, each entry once, none that the other end said it has.
 * 3. What was stored is announced once, unless sending it said so already; so an announcement acknowledges. How far a
 *    feed goes is said before the first of its entries is sent, so that the other end knows what it lacks.
 * 4. Asking and announcing go before entries, and the entries of control feeds before those of data feeds: what
 *    admits a feed is there before the feed.
 * 5. When there is nothing more to send, that is said once for each number of feeds asked for so far.
 */
export class PeerSync {
  /** How far the other end has stored each feed, as it said or as it sent. */
  readonly #theirs = new Map<PublicKey, number>()
  /** The next entry for the other end, of each feed that it asked for. */
  readonly #next = new Map<PublicKey, number>()
  readonly #asked = new Set<PublicKey>()
  /** Feeds of which the other end sent what lies beyond the limit, and was not stored. */
  readonly #refused = new Set<PublicKey>()
  #wantsSent = 0
  readonly #announced = new Map<PublicKey, number>()
  /** Feeds that the other end has asked for, and for how many of them it was told that all is sent. */
  #wantsRead = 0
  #wantsSettled = 0
  /** For how many of the feeds asked for here the other end has said the same. */
  #settledTheirs = 0

  /** The other end has stored a feed up to there. */
  onHead({ feed, length }: FeedPosition): void {
    if (!this.#theirs.has(feed) && this.#theirs.size >= MAX_UNKNOWN_FEEDS) return
    this.#theirs.set(feed, Math.max(length, this.#theirs.get(feed) ?? 0))
    const next = this.#next.get(feed)
    if (next !== undefined && next < length) this.#next.set(feed, length)
  }

  /** The other end asks for a feed. */
  onWant(feed: PublicKey, from: number): void {
    this.#wantsRead++
    if (!this.#next.has(feed) && this.#next.size >= MAX_UNKNOWN_FEEDS) return
    this.#next.set(feed, Math.max(from, this.#theirs.get(feed) ?? 0))
  }

  /** The other end has sent all that it had of the first so many feeds asked for. */
  onSettled(wants: number): void {
    this.#settledTheirs = Math.max(wants, this.#settledTheirs)
  }

  /** Whether everything that the other end had when it last said so is here. */
  isCaughtUp(local: readonly LocalFeed[]): boolean {
    return this.#settledTheirs >= this.#wantsSent && !local.some((feed) => this.#isToBeAsked(feed))
  }

  /** Whether the other end has stored a feed up to there. */
  has(feed: PublicKey, length: number): boolean {
    return this.lengthOf(feed) >= length
  }

  /** How far the other end has stored a feed, as it says. */
  lengthOf(feed: PublicKey): number {
    return this.#theirs.get(feed) ?? 0
  }

  /** Whether the other end was asked for this feed. */
  asked(feed: PublicKey): boolean {
    return this.#asked.has(feed)
  }

  /** Entries that the other end sent were not stored, as the feed has reached its limit. */
  refuse(feed: PublicKey): void {
    this.#refused.add(feed)
  }

  /** Entries up to there have been sent. */
  sent(feed: PublicKey, upTo: number): void {
    this.#next.set(feed, upTo)
    this.#announced.set(feed, Math.max(upTo, this.#announced.get(feed) ?? 0))
  }

  /** @param local all feeds of the space, control feeds first */
  step(local: readonly LocalFeed[]): SyncStep | undefined {
    const wanted = local.filter((feed) => this.#isToBeAsked(feed)).slice(0, MAX_FEEDS_PER_STEP)
    if (wanted.length > 0) {
      this.#wantsSent += wanted.length
      for (const { key } of wanted) {
        this.#asked.add(key)
        this.#refused.delete(key)
      }
      return { type: 'want', feeds: wanted.map(({ key, length }) => ({ feed: key, length })) }
    }
    const news = local.filter((feed) => this.#isToBeAnnounced(feed)).slice(0, MAX_FEEDS_PER_STEP)
    if (news.length > 0) {
      for (const { key, length } of news) this.#announced.set(key, length)
      return { type: 'announce', feeds: news.map(({ key }) => key) }
    }
    const feed = local.find((one) => this.#isToBeSent(one))
    if (feed !== undefined)
      return { type: 'send', feed: feed.key, from: this.#next.get(feed.key) ?? 0, enough: feed.limit }
    if (this.#wantsSettled === this.#wantsRead) return undefined
    this.#wantsSettled = this.#wantsRead
    return { type: 'settle', wants: this.#wantsRead }
  }

  #isToBeAsked({ key, length, limit }: LocalFeed): boolean {
    return length < limit && (!this.#asked.has(key) || this.#refused.has(key))
  }

  #isToBeAnnounced(feed: LocalFeed): boolean {
    const announced = this.#announced.get(feed.key)
    if (announced === undefined) return feed.length > 0
    return feed.length > announced && !this.#isToBeSent(feed)
  }

  #isToBeSent({ key, length, limit }: LocalFeed): boolean {
    const next = this.#next.get(key)
    return next !== undefined && next < length && next < limit
  }
}
