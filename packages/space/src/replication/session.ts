import type { Credential } from '@vestibule/credentials'
import { equalBytes, PublicKey } from '@vestibule/keys'
import type { Channel } from '@vestibule/network'
import { headFromWire, headToWire } from '../admission/admission.ts'
import { SpaceError } from '../error.ts'
import { type FeedBatch, type SignedHead, verifyHead } from '../feed/entry.ts'
import type { SpaceStore } from '../space-store.ts'
import { MAX_FRAME_BYTES, SpaceFrame } from './frame.ts'
import { parseFrame, refusedByPeer, type SpacePeer } from './handshake.ts'
import { parseIntroduction } from './introduction.ts'
import { type LocalFeed, PeerSync, type SyncStep } from './peer-sync.ts'

/** What a session tells whoever runs it. */
export interface SessionEvents {
  /** The other end has stored this device's view of a feed up to there. */
  onStored(peer: SpacePeer, feed: PublicKey, length: number): void
  /** The feed's key has signed two histories. Nothing more of it is taken. */
  onFork(feed: PublicKey): void
  /**
   * The other end introduced itself: see `takeIn`.
   * @returns false when it has to be tried again
   */
  onIntroduction(introduction: readonly Credential[]): Promise<boolean>
  /** The other end says that the own identity is no longer a member: see `readNotice`. */
  onRemoval(encoded: Uint8Array): Promise<void>
  /** Something was read; {@link Session.isCaughtUp} may have changed. */
  onProgress(): void
}

/**
 * Two members over one channel, after the handshake: one loop reads and stores, one writes whatever
 * {@link PeerSync} says comes next. Each waits for its channel, so that a slow end is never sent more than it takes.
 */
export class Session {
  readonly peer: SpacePeer
  readonly #channel: Channel
  readonly #store: SpaceStore
  readonly #forked: ReadonlySet<PublicKey>
  readonly #events: SessionEvents
  readonly #introduction: readonly Credential[]
  readonly #sync = new PeerSync()
  /** The other end's, until it is taken in. */
  #introduced: readonly Credential[] | undefined
  /** Feeds of which something was not taken, because it did not count. */
  readonly #passedOver = new Set<PublicKey>()
  #wake: () => void = () => {}
  #news = true

  constructor(
    channel: Channel,
    peer: SpacePeer,
    store: SpaceStore,
    forked: ReadonlySet<PublicKey>,
    introduction: readonly Credential[],
    events: SessionEvents,
  ) {
    this.peer = peer
    this.#channel = channel
    this.#store = store
    this.#forked = forked
    this.#introduction = introduction
    this.#events = events
  }

  /** Runs until the channel ends, `signal` aborts, or either end breaks a rule: then it throws. */
  async run(signal: AbortSignal): Promise<void> {
    const ending = new AbortController()
    const either = AbortSignal.any([signal, ending.signal])
    const stop = (error: unknown): never => {
      ending.abort(error)
      this.wake()
      throw error
    }
    const results = await Promise.allSettled([
      this.#read(either).catch(stop),
      this.#write(either).catch(stop),
    ])
    // The first to fail stopped the other; the other only repeats it.
    for (const result of results) if (result.status === 'rejected') throw ending.signal.reason
  }

  /** Whether everything that the other end had when it last had nothing more to send is stored here. */
  get isCaughtUp(): boolean {
    return this.#sync.isCaughtUp(this.#store.feeds())
  }

  /** There may be something to send. */
  wake(): void {
    this.#news = true
    this.#wake()
  }

  async #write(signal: AbortSignal): Promise<void> {
    const credentials = this.#introduction.map(({ encoded }) => encoded)
    if (credentials.length > 0)
      await this.#channel.send(SpaceFrame.encode({ introduction: { credentials } }), { signal })
    while (!signal.aborted) {
      this.#news = false
      const step = this.#sync.step(this.#toSend())
      if (step !== undefined) await this.#send(step, signal)
      else await this.#untilNews(signal)
    }
    signal.throwIfAborted()
  }

  /**
   * In the order in which they are sent. One who has left says so last: whoever hears of it ends the session, and
   * nobody else may have what was written before.
   */
  #toSend(): LocalFeed[] {
    const { roster, record, horizon } = this.#store
    const feeds = this.#store
      .feeds()
      .filter(({ key }) => !this.#forked.has(key))
      .map(({ key, length }) => ({ key, length, limit: horizon.limitOf(key) }))
    const self = roster.feed(record.controlFeedKey)?.member
    if (self === undefined || roster.departureOf(self) === undefined) return feeds
    const isOwn = ({ key }: LocalFeed): boolean => key === record.controlFeedKey
    return [...feeds.filter((feed) => !isOwn(feed)), ...feeds.filter(isOwn)]
  }

  #untilNews(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        signal.removeEventListener('abort', wake)
        this.#wake = () => {}
        resolve()
      }
      if (this.#news || signal.aborted) return resolve()
      this.#wake = wake
      signal.addEventListener('abort', wake)
    })
  }

  async #send(step: SyncStep, signal: AbortSignal): Promise<void> {
    const frame = await this.#frameFor(step)
    if (frame !== undefined) await this.#channel.send(SpaceFrame.encode(frame), { signal })
  }

  async #frameFor(step: SyncStep): Promise<SpaceFrame | undefined> {
    switch (step.type) {
      case 'want':
        return {
          wants: { wants: step.feeds.map(({ feed, length }) => ({ feed: feed.toBytes(), from: length })) },
        }
      case 'announce': {
        const heads = step.feeds.flatMap((key) => this.#store.feed(key)?.signedHead ?? [])
        return { heads: { heads: heads.map(headToWire) } }
      }
      case 'settle':
        return { settled: step.wants }
      case 'send': {
        const batch = await this.#store
          .feed(step.feed)
          ?.batch(step.from, this.#store.horizon.limitOf(step.feed))
        if (batch === undefined) {
          this.#sync.stop(step.feed)
          return undefined
        }
        this.#sync.sent(step.feed, step.from + batch.payloads.length)
        return { entries: { feed: step.feed.toBytes(), batch } }
      }
    }
  }

  async #read(signal: AbortSignal): Promise<void> {
    for (;;) {
      const frame = parseFrame(await this.#channel.receive({ signal, maxBytes: MAX_FRAME_BYTES }))
      for (const head of frame.heads?.heads ?? [])
        await this.#onHead(headFromWire(this.#store.record.spaceKey, head))
      for (const { feed, from } of frame.wants?.wants ?? []) this.#sync.onWant(PublicKey.from(feed), from)
      if (frame.entries !== undefined)
        await this.#onEntries(PublicKey.from(frame.entries.feed), frame.entries.batch)
      if (frame.removal !== undefined) await this.#events.onRemoval(frame.removal)
      if (frame.verdict !== undefined) throw refusedByPeer(frame.verdict)
      if (frame.settled !== undefined) this.#sync.onSettled(frame.settled)
      if (frame.introduction !== undefined)
        this.#introduced = await parseIntroduction(frame.introduction.credentials, this.peer)
      if (this.#introduced !== undefined && (await this.#events.onIntroduction(this.#introduced)))
        this.#introduced = undefined
      this.#events.onProgress()
      this.wake()
    }
  }

  async #onHead(head: SignedHead): Promise<void> {
    this.#sync.onHead(head)
    const own = this.#store.feed(head.feed)
    if (own === undefined || head.length === 0 || head.length > own.length) return
    if (equalBytes(head.hash, await own.hashOf(head.length - 1)))
      this.#events.onStored(this.peer, head.feed, head.length)
    else if (await verifyHead(head)) this.#events.onFork(head.feed)
    else throw new SpaceError('BAD_SIGNATURE', 'an announced head is not signed by its feed')
  }

  async #onEntries(feed: PublicKey, batch: FeedBatch): Promise<void> {
    if (!this.#sync.asked(feed)) throw new SpaceError('NOT_ADMITTED', 'entries that nobody asked for')
    if (this.#forked.has(feed)) return
    // They have what they send. Known before it is stored, or the writing loop would send it back.
    this.#sync.onHead({ feed, length: batch.from + batch.payloads.length })
    try {
      if (!(await this.#store.receive(feed, batch))) this.#passedOver.add(feed)
    } catch (error) {
      // What was passed over may be asked for again meanwhile, and this was on its way before.
      if (error instanceof SpaceError && error.code === 'GAP' && this.#passedOver.has(feed)) return
      if (!(error instanceof SpaceError) || error.code !== 'FORKED') throw error
      this.#events.onFork(feed)
      return
    }
  }
}
