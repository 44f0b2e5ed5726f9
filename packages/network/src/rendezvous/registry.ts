import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, randomBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { equalBytes } from '@vestibule/keys'
import type { Clock } from '../clock.ts'
import { DEFAULT_TTL_S, MAX_NAMESPACE_BYTES, MAX_PAGE, MAX_TTL_S, type RendezvousStatus } from './messages.ts'

/** What a rendezvous server holds at most. A registration takes about 600 bytes, 4.5 kB in the worst case. */
export interface RegistryLimits {
  /** Registrations of one peer; 1,000 by the specification. */
  readonly registrationsPerPeer: number
  /** Registrations of everybody together. */
  readonly registrations: number
  /** Peers that wait for announcements, counted by namespace. */
  readonly watches: number
}

export const DEFAULT_REGISTRY_LIMITS: RegistryLimits = {
  registrationsPerPeer: 1_000,
  registrations: 100_000,
  watches: 100_000,
}

/** One peer's presence in one namespace. `record` is whatever proves its addresses: the registry only keeps it. */
export interface Entry {
  readonly namespace: string
  readonly peer: string
  readonly record: Uint8Array
  readonly expiresAtMs: number
  /** Position in the order of all registrations. */
  readonly seq: number
}

type Refusal = Exclude<RendezvousStatus, 'OK'>
const EPOCH_BYTES = 8
const NAMESPACE_TAG_BYTES = 8
const COOKIE_BYTES = EPOCH_BYTES + 8 + NAMESPACE_TAG_BYTES
/** How often what has expired is removed, if nobody asks for it before. */
const SWEEP_MS = 60_000

/**
 * Who is registered where: the state of a rendezvous server, without its network. Refusals are values.
 * @see libp2p specifications, rendezvous/README.md
 */
export class RendezvousRegistry {
  readonly #clock: Clock
  readonly #limits: RegistryLimits
  readonly #namespaces = new Map<string, Map<string, Entry>>()
  readonly #perPeer = new Map<string, number>()
  readonly #watchers = new Map<string, Set<(entry: Entry) => void>>()
  /** Tells cookies of this registry from those of the one before a restart. */
  readonly #epoch: Uint8Array
  #seq = 0
  #size = 0
  #watches = 0
  #cancelSweep: (() => void) | undefined

  constructor(clock: Clock, limits: Partial<RegistryLimits> = {}, epoch = randomBytes(EPOCH_BYTES)) {
    this.#clock = clock
    this.#limits = { ...DEFAULT_REGISTRY_LIMITS, ...limits }
    this.#epoch = epoch
  }

  /** Number of registrations held. */
  get size(): number {
    return this.#size
  }

  /** @returns the granted time to live in seconds, or why not */
  register(
    peer: string,
    namespace: string | undefined,
    record: Uint8Array,
    ttl = DEFAULT_TTL_S,
  ): number | Refusal {
    if (!isNamespace(namespace)) return 'INVALID_NAMESPACE'
    if (ttl < 1 || ttl > MAX_TTL_S) return 'INVALID_TTL'
    const before = this.#live(namespace, peer)
    if (before === undefined) {
      if ((this.#perPeer.get(peer) ?? 0) >= this.#limits.registrationsPerPeer) return 'NOT_AUTHORIZED'
      if (this.#size >= this.#limits.registrations) this.#sweep()
      if (this.#size >= this.#limits.registrations) return 'UNAVAILABLE'
    }
    this.unregister(peer, namespace)
    const expiresAtMs = this.#clock.now() + ttl * 1_000
    const entry: Entry = { namespace, peer, record, expiresAtMs, seq: ++this.#seq }
    const entries = this.#namespaces.get(namespace) ?? new Map<string, Entry>()
    this.#namespaces.set(namespace, entries.set(peer, entry))
    this.#perPeer.set(peer, (this.#perPeer.get(peer) ?? 0) + 1)
    this.#size++
    this.#cancelSweep ??= this.#clock.after(SWEEP_MS, () => this.#sweep())
    // A renewal of the same record is no news to those who wait.
    if (before === undefined || !equalBytes(before.record, record))
      for (const announce of [...(this.#watchers.get(namespace) ?? [])]) announce(entry)
    return ttl
  }

  unregister(peer: string, namespace: string): void {
    const entries = this.#namespaces.get(namespace)
    if (entries?.delete(peer) !== true) return
    if (entries.size === 0) this.#namespaces.delete(namespace)
    const left = (this.#perPeer.get(peer) ?? 1) - 1
    if (left === 0) this.#perPeer.delete(peer)
    else this.#perPeer.set(peer, left)
    this.#size--
  }

  /** @returns registrations in the order they came, those after `cookie` only, and the cookie for the next call */
  discover(
    namespace: string | undefined,
    options: { readonly limit?: number; readonly cookie?: Uint8Array } = {},
  ): { readonly entries: readonly Entry[]; readonly cookie: Uint8Array } | Refusal {
    // Asking for all namespaces at once is allowed by the specification; nobody may list topics here.
    if (!isNamespace(namespace)) return 'INVALID_NAMESPACE'
    const { cookie } = options
    const after = cookie === undefined || cookie.length === 0 ? 0 : this.#readCookie(namespace, cookie)
    if (after === undefined) return 'INVALID_COOKIE'
    const limit =
      options.limit === undefined || options.limit < 1 ? MAX_PAGE : Math.min(options.limit, MAX_PAGE)
    const now = this.#clock.now()
    const entries: Entry[] = []
    for (const entry of this.#namespaces.get(namespace)?.values() ?? []) {
      if (entries.length === limit) break
      if (entry.seq > after && entry.expiresAtMs > now) entries.push(entry)
    }
    const last = entries.at(-1)
    return { entries, cookie: this.#writeCookie(namespace, last?.seq ?? after) }
  }

  /** Calls `announce` for every registration that is new or changed, until the result is called. */
  watch(namespace: string, announce: (entry: Entry) => void): (() => void) | Refusal {
    if (!isNamespace(namespace)) return 'INVALID_NAMESPACE'
    if (this.#watches >= this.#limits.watches) return 'UNAVAILABLE'
    const watchers = this.#watchers.get(namespace) ?? new Set()
    this.#watchers.set(namespace, watchers.add(announce))
    this.#watches++
    return () => {
      if (!watchers.delete(announce)) return
      this.#watches--
      if (watchers.size === 0) this.#watchers.delete(namespace)
    }
  }

  /** @returns for how many seconds an entry still counts */
  ttlOf(entry: Entry): number {
    return Math.max(0, Math.ceil((entry.expiresAtMs - this.#clock.now()) / 1_000))
  }

  /** Forgets everything and leaves no timer behind. */
  clear(): void {
    this.#cancelSweep?.()
    this.#cancelSweep = undefined
    this.#namespaces.clear()
    this.#perPeer.clear()
    this.#watchers.clear()
    this.#size = 0
    this.#watches = 0
  }

  #live(namespace: string, peer: string): Entry | undefined {
    const entry = this.#namespaces.get(namespace)?.get(peer)
    return entry !== undefined && entry.expiresAtMs > this.#clock.now() ? entry : undefined
  }

  #sweep(): void {
    this.#cancelSweep?.()
    this.#cancelSweep = undefined
    const now = this.#clock.now()
    for (const entries of [...this.#namespaces.values()])
      for (const entry of [...entries.values()])
        if (entry.expiresAtMs <= now) this.unregister(entry.peer, entry.namespace)
    if (this.#size > 0) this.#cancelSweep = this.#clock.after(SWEEP_MS, () => this.#sweep())
  }

  #writeCookie(namespace: string, seq: number): Uint8Array {
    const position = new Uint8Array(8)
    new DataView(position.buffer).setBigUint64(0, BigInt(seq))
    return concatBytes(this.#epoch, position, namespaceTag(namespace))
  }

  #readCookie(namespace: string, cookie: Uint8Array): number | undefined {
    if (cookie.length !== COOKIE_BYTES) return undefined
    if (!equalBytes(cookie.subarray(0, EPOCH_BYTES), this.#epoch)) return undefined
    if (!equalBytes(cookie.subarray(EPOCH_BYTES + 8), namespaceTag(namespace))) return undefined
    const seq = new DataView(cookie.buffer, cookie.byteOffset).getBigUint64(EPOCH_BYTES)
    return seq > BigInt(this.#seq) ? undefined : Number(seq)
  }
}

function isNamespace(namespace: string | undefined): namespace is string {
  return namespace !== undefined && namespace !== '' && utf8ToBytes(namespace).length <= MAX_NAMESPACE_BYTES
}

const namespaceTag = (namespace: string): Uint8Array =>
  sha256(utf8ToBytes(namespace)).subarray(0, NAMESPACE_TAG_BYTES)
