import { MemoryStorage } from './memory-storage.ts'
import type { Storage, StoragePart, StorageWrite } from './storage.ts'

/**
 * A storage that first holds what is to be written in memory, so that it can be looked at as it will be, and
 * becomes the real one when that is written. What was opened on it stays open.
 */
export class StagedStorage implements Storage {
  readonly #writes: StorageWrite[]
  #isStaged = true
  #target: Storage = new MemoryStorage()

  private constructor(writes: readonly StorageWrite[]) {
    this.#writes = [...writes]
  }

  static async of(writes: readonly StorageWrite[]): Promise<StagedStorage> {
    const staged = new StagedStorage(writes)
    await staged.#target.transact(writes)
    return staged
  }

  /** Writes it all, and `alsoWrite` with it, in one transaction. When that fails nothing has changed. */
  async commit(real: Storage, alsoWrite: readonly StorageWrite[] = []): Promise<void> {
    await real.transact([...this.#writes, ...alsoWrite])
    this.#target = real
    this.#isStaged = false
  }

  get(key: string): Promise<Uint8Array | undefined> {
    return this.#target.get(key)
  }

  list(prefix: string, part?: StoragePart): Promise<[key: string, value: Uint8Array][]> {
    return this.#target.list(prefix, part)
  }

  async transact(writes: readonly StorageWrite[]): Promise<void> {
    await this.#target.transact(writes)
    if (this.#isStaged) this.#writes.push(...writes)
  }

  close(): Promise<void> {
    return this.#target.close()
  }
}
