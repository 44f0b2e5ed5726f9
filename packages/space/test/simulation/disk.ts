import type { Clock } from '@vestibule/network'
import { MemoryStorage, type Storage, StorageError, type StorageWrite } from '../../src/index.ts'
import { Chance } from './chance.ts'

/** One process on a device, from its start to its death. */
export class Life {
  alive = true
  readonly #dying: (() => void)[] = []

  /** Calls back at the death, once. */
  onDeath(call: () => void): void {
    this.#dying.push(call)
  }

  kill(): void {
    if (!this.alive) return
    this.alive = false
    for (const call of this.#dying.splice(0)) call()
  }
}

export const never = (): Promise<never> => new Promise(() => undefined)

interface Pending {
  readonly writes: readonly StorageWrite[]
  readonly done: (error?: StorageError) => void
}

/** What can be wrong with a disk. */
export type DiskDefect = 'acknowledges early' | 'fails by half' | undefined

const firstHalf = (writes: readonly StorageWrite[]) => writes.slice(0, Math.ceil(writes.length / 2))

/**
 * What of a device survives its processes. A transaction takes time when the disk is slow; a crash meanwhile drops it,
 * or keeps it as a whole without anybody having been told. What was acknowledged is never lost.
 */
export class Disk {
  /** What is wrong with all disks, when the tests want to see it found. */
  static defect: DiskDefect
  /** Longest time that a transaction takes, in milliseconds. */
  slownessMs = 0
  /** How many of the next transactions fail, with nothing changed. */
  failing = 0
  /** Grows with every transaction. */
  version = 0
  /** Every value that was ever here, by key: whoever has the device may have kept it. */
  readonly everything = new Map<string, Uint8Array[]>()
  readonly #kept = new MemoryStorage()
  readonly #chance: Chance
  readonly #clock: Clock
  #queue: Pending[] = []
  #busy = false

  constructor(seed: number, clock: Clock) {
    this.#chance = new Chance(seed)
    this.#clock = clock
  }

  /** The storage as one process has it: after its death nothing is answered, and nothing written. */
  open(life: Life): Storage {
    life.onDeath(() => this.#crash())
    const reading = async <T>(read: () => Promise<T>): Promise<T> => {
      const result = await (life.alive ? read() : never())
      return life.alive ? result : never()
    }
    return {
      get: (key) => reading(() => this.#kept.get(key)),
      list: (prefix, part) => reading(() => this.#kept.list(prefix, part)),
      transact: (writes) => (life.alive ? reading(() => this.#transact(writes)) : never()),
      close: async () => undefined,
    }
  }

  /** A copy of everything as it is now. */
  async copy(): Promise<MemoryStorage> {
    const copy = new MemoryStorage()
    await copy.transact((await this.#kept.list('')).map(([key, value]) => ({ key, value })))
    return copy
  }

  #transact(writes: readonly StorageWrite[]): Promise<void> {
    if (this.failing > 0) {
      this.failing--
      if (Disk.defect === 'fails by half') void this.#keep(firstHalf(writes))
      return Promise.reject(new StorageError('STORAGE_FULL', 'no space left'))
    }
    if (this.slownessMs === 0 && this.#queue.length === 0) return this.#keep(writes)
    return new Promise((resolve, reject) => {
      this.#queue.push({ writes, done: (error) => (error ? reject(error) : resolve()) })
      if (Disk.defect === 'acknowledges early') resolve()
      this.#work()
    })
  }

  #work(): void {
    const [first] = this.#queue
    if (this.#busy || first === undefined) return
    this.#busy = true
    this.#clock.after(1 + this.#chance.upTo(this.slownessMs), () => {
      this.#busy = false
      // A crash may have emptied the queue.
      if (this.#queue[0] !== first) return this.#work()
      this.#queue.shift()
      void this.#keep(first.writes).then(() => first.done())
      this.#work()
    })
  }

  /** In the order of the calls: when one is lost those after it are, too. */
  #crash(): void {
    for (const { writes } of this.#queue.splice(0)) {
      if (this.#chance.is(0.5)) break
      void this.#keep(writes)
    }
  }

  async #keep(writes: readonly StorageWrite[]): Promise<void> {
    this.version++
    for (const { key, value } of writes) {
      if (value === undefined) continue
      const before = this.everything.get(key) ?? []
      before.push(value.slice())
      this.everything.set(key, before)
    }
    await this.#kept.transact(writes)
  }
}
