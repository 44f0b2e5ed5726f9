import type { Credential } from '@vestibule/credentials'
import { equalBytes, PublicKey } from '@vestibule/keys'
import type { Channel } from '@vestibule/network'
import { headFromWire, headToWire } from '../admission/admission.ts'
import { SpaceError } from '../error.ts'
import { type SignedHead, verifyHead } from '../feed/entry.ts'
import type { ForkProof } from '../feed/fork.ts'
import type { ReceivedBatch } from '../feed/received.ts'
import type { HandOver } from '../read-keys/hand-over.ts'
import { epochFromWire, epochToWire } from '../read-keys/read-key.ts'
import type { SpaceStore } from '../space-store.ts'
import type { Crowd } from './crowd.ts'
import { ForkTalk } from './fork-talk.ts'
import { entriesFrame, SpaceFrame } from './frame.ts'
import { FrameQueue } from './frame-queue.ts'
import { refusedByPeer, type SpacePeer } from './handshake.ts'
import { parseIntroduction } from './introduction.ts'
import { ownLeave, placeOfLeave } from './last-word.ts'
import { type LocalFeed, PeerSync, type SyncStep } from './peer-sync.ts'

/** What a session tells whoever runs it. */
export interface SessionEvents {
  /** The other end has stored this device's view of a feed up to there. */
  onStored(peer: SpacePeer, feed: PublicKey, length: number): void
  /** A proof that a feed's key has signed two histories, verified: see `takeFork`. */
  onFork(proof: ForkProof): Promise<void>
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

/** What a session works with. */
export interface SessionParts {
  readonly channel: Channel
  readonly peer: SpacePeer
  readonly store: SpaceStore
  /** What is told of this device, as things are; see `introductionOf`. */
  readonly introduction: () => Promise<readonly Credential[]>
  readonly handOver: HandOver
  readonly crowd: Crowd
  readonly events: SessionEvents
}

/**
 * Two members over one channel, after the handshake: one loop reads and stores, one writes whatever
 * {@link PeerSync} and {@link ForkTalk} say comes next. Each waits for its channel, so that a slow end is never sent
 * more than it takes, and what is read ahead of the storage is bounded.
 */
export class Session {
  readonly peer: SpacePeer
  readonly #channel: Channel
  readonly #store: SpaceStore
  readonly #events: SessionEvents
  readonly #introduction: () => Promise<readonly Credential[]>
  readonly #handOver: HandOver
  readonly #crowd: Crowd
  readonly #sync = new PeerSync()
  readonly #forks: ForkTalk
  /** Ids of what was said in the last introduction. */
  #said = ''
  /** The other end's, until it is taken in. */
  #introduced: readonly Credential[] | undefined
  #wake: () => void = () => {}
  #news = true
  /** Where the own leave stands, when this member has left. */
  #leave: number | undefined

  constructor({ channel, peer, store, introduction, handOver, crowd, events }: SessionParts) {
    this.peer = peer
    this.#channel = channel
    this.#store = store
    this.#introduction = introduction
    this.#handOver = handOver
    this.#crowd = crowd
    this.#events = events
    this.#forks = new ForkTalk(store, (proof) => events.onFork(proof))
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

  /** How far the other end has stored a feed, as it says. */
  lengthOf(feed: PublicKey): number {
    return this.#sync.lengthOf(feed)
  }

  /** There may be something to send. */
  wake(): void {
    this.#news = true
    this.#wake()
  }

  async #write(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (this.#crowd.isComing) await this.#crowd.through(signal)
      this.#news = false
      const frame = (await this.#introduce()) ?? this.#forks.next()
      const leave = ownLeave(this.#store)
      this.#leave = leave === undefined ? undefined : await placeOfLeave(this.#store, leave)
      const step = frame === undefined ? this.#sync.step(this.#toSend()) : undefined
      if (frame !== undefined) await this.#channel.send(SpaceFrame.encode(await frame), { signal })
      else if (step !== undefined) await this.#send(step, signal)
      if ((await this.#sayKeys(signal)) || frame !== undefined || step !== undefined) continue
      await this.#untilNews(signal)
    }
    signal.throwIfAborted()
  }

  /** In the order in which they are sent; see {@link placeOfLeave}. */
  #toSend(): readonly LocalFeed[] {
    const own = this.#store.record.controlFeedKey
    const feeds = this.#store.feeds()
    const leave = this.#leave
    if (leave === undefined) return feeds
    const others = feeds.filter(({ key }) => key !== own)
    const [last] = feeds.filter(({ key }) => key === own)
    if (last === undefined) return others
    if (this.#sync.has(own, leave)) return [...others, last]
    return [{ key: own, length: last.length, limit: Math.min(leave, last.limit) }, ...others]
  }

  async #introduce(): Promise<SpaceFrame | undefined> {
    const introduction = await this.#introduction()
    const ids = introduction.map(({ id }) => id).join()
    if (ids === this.#said) return undefined
    this.#said = ids
    return { introduction: { credentials: introduction.map(({ encoded }) => encoded) } }
  }

  /** Asks for read keys, or gives some; whether there was anything to say. */
  async #sayKeys(signal: AbortSignal): Promise<boolean> {
    const step = await this.#handOver.next()
    if (step === undefined) return false
    const frame =
      step.type === 'ask' ? { lacking: { epochs: step.epochs.map(epochToWire) } } : { readKeys: step.sealed }
    await this.#channel.send(SpaceFrame.encode(frame), { signal })
    return true
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
    if (step.type !== 'send') return this.#channel.send(SpaceFrame.encode(this.#frameFor(step)), { signal })
    const batch = await this.#store.feed(step.feed)?.encodedBatch(step.from, step.enough)
    if (batch === undefined) return
    this.#sync.sent(step.feed, batch.upTo)
    await this.#channel.send(entriesFrame(step.feed, batch.parts), { signal, transfer: true })
  }

  #frameFor(step: Exclude<SyncStep, { type: 'send' }>): SpaceFrame {
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
    }
  }

  async #read(signal: AbortSignal): Promise<void> {
    const queue = new FrameQueue(this.#channel, signal)
    for (;;) {
      let received: ReceivedBatch[] = []
      for (const frame of await queue.take()) {
        if (frame.entries !== undefined) {
          received.push({ feed: PublicKey.from(frame.entries.feed), batch: frame.entries.batch })
          continue
        }
        await this.#onEntries(received)
        received = []
        await this.#onFrame(frame)
      }
      await this.#onEntries(received)
      if (this.#introduced !== undefined && (await this.#events.onIntroduction(this.#introduced)))
        this.#introduced = undefined
      this.#events.onProgress()
      this.wake()
    }
  }

  async #onFrame(frame: SpaceFrame): Promise<void> {
    for (const head of frame.heads?.heads ?? [])
      await this.#onHead(headFromWire(this.#store.record.spaceKey, head))
    for (const { feed, from } of frame.wants?.wants ?? []) this.#sync.onWant(PublicKey.from(feed), from)
    if (frame.removal !== undefined) await this.#events.onRemoval(frame.removal)
    if (frame.verdict !== undefined) throw refusedByPeer(frame.verdict)
    if (frame.lacking !== undefined)
      this.#handOver.onAsked(frame.lacking.epochs.flatMap((id) => epochFromWire(id) ?? []))
    if (frame.readKeys !== undefined) await this.#handOver.onGiven(frame.readKeys)
    if (frame.settled !== undefined) this.#sync.onSettled(frame.settled)
    if (frame.introduction !== undefined)
      this.#introduced = await parseIntroduction(frame.introduction.credentials, this.peer)
    await this.#forks.read(frame)
  }

  async #onHead(head: SignedHead): Promise<void> {
    const own = this.#store.feed(head.feed)
    if (own === undefined || head.length === 0 || head.length > own.length || head.length > own.limit)
      return this.#sync.onHead(head)
    if (equalBytes(head.hash, await own.hashOf(head.length - 1))) {
      this.#sync.onHead(head)
      this.#events.onStored(this.peer, head.feed, head.length)
    } else if (await verifyHead(head)) this.#forks.suspect(head.feed, head.length - 1)
    else throw new SpaceError('BAD_SIGNATURE', 'an announced head is not signed by its feed')
  }

  async #onEntries(received: readonly ReceivedBatch[]): Promise<void> {
    for (const { feed, batch } of received) {
      if (!this.#sync.asked(feed)) throw new SpaceError('NOT_ADMITTED', 'entries that nobody asked for')
      // They have what they send. Known before it is stored, or the writing loop would send it back.
      this.#sync.onHead({ feed, length: batch.from + batch.payloads.length })
    }
    const outcomes = received.length === 0 ? [] : await this.#store.receive(received)
    for (const [i, outcome] of outcomes.entries()) {
      const { feed, batch } = received[i] as ReceivedBatch
      if (outcome === 'BEYOND') this.#sync.refuse(feed)
      const length = this.#store.feed(feed)?.length ?? 0
      if (outcome === 'FORKED') this.#forks.suspect(feed, Math.min(batch.from, length) - 1)
    }
  }
}
