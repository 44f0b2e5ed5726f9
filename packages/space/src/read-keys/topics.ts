import { equalBytes } from '@vestibule/keys'
import { bytes, message, nested, repeated, uint32, uint64 } from '@vestibule/keys/wire'
import type { Clock } from '@vestibule/network'
import { SpaceError } from '../error.ts'
import { storageKeys } from '../record.ts'
import type { SpaceStore } from '../space-store.ts'
import type { Storage, StorageWrite } from '../storage/storage.ts'
import { parseVersioned } from '../versioned.ts'
import { heldInOrder, newestUnheard } from './current.ts'
import { epochFromWire, epochToWire, FOUNDING_EPOCH, type ReadKey } from './read-key.ts'
import { topicOf } from './topic.ts'

/** How long a topic is kept after another has taken its place, for members who were away: 7 days. */
export const PAST_TOPIC_MS = 7 * 24 * 60 * 60 * 1000
/** Past topics that are kept at most, the newest: each takes a registration at every relay. */
const MAX_PAST = 32

const VERSION = 1
const TopicsRecord = message('SpaceTopics', {
  version: uint32(1),
  /** The epoch that the topic of now comes from. */
  current: bytes(2, { max: 32 }),
  past: repeated(nested(3, message('PastTopic', { epoch: bytes(1, { max: 32 }), untilMs: uint64(2) })), {
    max: MAX_PAST,
  }),
})

/** Epochs whose topics this device is to be met under. */
interface Known {
  readonly current: string
  /** By when they were left, the first first. */
  readonly past: readonly { readonly epoch: string; readonly untilMs: number }[]
}

/**
 * The topics of a space on this device: that of the current read key, and those that it took the place of, each for
 * {@link PAST_TOPIC_MS} from when this device heard of the next. That time is stored: it goes on over restarts, and a clock
 * that was ahead for a while does not make it longer.
 */
export class SpaceTopics {
  readonly #store: SpaceStore
  readonly #storage: Storage
  readonly #clock: Clock
  #known: Known | undefined
  #stored: Uint8Array | undefined

  private constructor(store: SpaceStore, storage: Storage, clock: Clock, stored: Uint8Array | undefined) {
    this.#store = store
    this.#storage = storage
    this.#clock = clock
    this.#stored = stored
    this.#known = stored && parse(stored)
  }

  /** @throws SpaceError `STORAGE_CORRUPT`, `UNSUPPORTED_VERSION`; storage errors */
  static async open(store: SpaceStore, storage: Storage, clock: Clock): Promise<SpaceTopics> {
    return new SpaceTopics(
      store,
      storage,
      clock,
      await storage.get(storageKeys.topics(store.record.spaceKey)),
    )
  }

  /**
   * The topics as of now, 32 bytes each, that of the current read key first; then that of one whose epoch has not been
   * heard of here, which came from another own device.
   */
  look(): Uint8Array[] {
    const held = heldInOrder(this.#store)
    const current = currentOf(held)
    const now = this.#clock.now()
    const latest = now + PAST_TOPIC_MS
    const before = this.#known
    const left = before !== undefined && before.current !== current
    const known = (before?.past ?? []).map(({ epoch, untilMs }) => ({
      epoch,
      untilMs: Math.min(untilMs, latest),
    }))
    const others = this.#besides(held, before?.current).filter(
      (epoch) => !known.some((one) => one.epoch === epoch),
    )
    const past = [
      ...known,
      ...others.map((epoch) => ({ epoch, untilMs: latest })),
      ...(left ? [{ epoch: before.current, untilMs: latest }] : []),
    ].filter(({ epoch, untilMs }) => untilMs > now && epoch !== current)
    this.#known = { current, past: past.slice(-MAX_PAST) }
    const keys = new Map(held.map((key) => [key.epoch, key]))
    const ahead = newestUnheard(this.#store)
    const epochs = [
      current,
      ...(ahead === undefined || ahead === current ? [] : [ahead]),
      ...this.#known.past.map(({ epoch }) => epoch).reverse(),
    ]
    return epochs.flatMap((epoch) => {
      const key = keys.get(epoch)
      return key === undefined ? [] : [topicOf(key, this.#store.record.spaceKey)]
    })
  }

  /**
   * The epochs that are held and not behind the one that was current: somebody may be met under those who went another
   * way meanwhile, and there only, when all who knew both have left theirs.
   */
  #besides(held: readonly ReadKey[], before: string | undefined): string[] {
    const { membership } = this.#store.roster
    if (before === undefined || (before !== FOUNDING_EPOCH && !membership.has(before))) return []
    const epochs = held.map(({ epoch }) => epoch)
    return epochs.filter(
      (epoch) =>
        epoch !== FOUNDING_EPOCH &&
        epoch !== before &&
        membership.has(epoch) &&
        !membership.comesAfter(before, epoch),
    )
  }

  /** In how many milliseconds the next one is left; `undefined` when none is. */
  get nextMs(): number | undefined {
    const until = this.#known?.past.map(({ untilMs }) => untilMs) ?? []
    return until.length === 0 ? undefined : Math.max(0, Math.min(...until) - this.#clock.now())
  }

  /** Stores what {@link SpaceTopics.look} found, unless it is stored. @throws storage errors */
  async keep(): Promise<void> {
    if (this.#known === undefined) return
    const value = encode(this.#known)
    if (this.#stored !== undefined && equalBytes(value, this.#stored)) return
    await this.#storage.transact([{ key: storageKeys.topics(this.#store.record.spaceKey), value }])
    this.#stored = value
  }
}

/** What has to be stored with a space that is new on this device, so that it need not be when the space is joined. */
export const firstTopics = (store: SpaceStore): StorageWrite => ({
  key: storageKeys.topics(store.record.spaceKey),
  value: encode({ current: currentOf(heldInOrder(store)), past: [] }),
})

function currentOf(held: readonly ReadKey[]): string {
  const current = held.at(-1)?.epoch
  if (current === undefined) throw new TypeError('a space has at least one read key')
  return current
}

const encode = ({ current, past }: Known): Uint8Array =>
  TopicsRecord.encode({
    version: VERSION,
    current: epochToWire(current),
    past: past.map(({ epoch, untilMs }) => ({ epoch: epochToWire(epoch), untilMs })),
  })

function parse(stored: Uint8Array): Known {
  const { current, past } = parseVersioned(TopicsRecord, VERSION, stored, 'STORAGE_CORRUPT')
  return {
    current: named(current),
    past: past.map(({ epoch, untilMs }) => ({ epoch: named(epoch), untilMs })),
  }
}

function named(id: Uint8Array): string {
  const epoch = epochFromWire(id)
  if (epoch === undefined) throw new SpaceError('STORAGE_CORRUPT', 'a topic of no epoch')
  return epoch
}
