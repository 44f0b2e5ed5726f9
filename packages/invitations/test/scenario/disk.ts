import { type KeyStore, MemoryKeyStore } from '@vestibule/keys'
import { MemoryStorage, type Storage, StorageError, type StorageWrite } from '@vestibule/space'

/** What of a device survives its processes. */
export interface Disk {
  openStorage(): Promise<Storage>
  readonly keys: KeyStore
}

/** A disk in memory: closing its storage loses nothing. */
export function memoryDisk(): Disk {
  const storage = new MemoryStorage()
  const kept: Storage = {
    get: (key) => storage.get(key),
    list: (...range) => storage.list(...range),
    transact: (writes) => storage.transact(writes),
    close: async () => undefined,
  }
  return { openStorage: async () => kept, keys: new MemoryKeyStore() }
}

/** Something durable that is about to be done: a transaction, or a change of the key store. */
export interface DurableWrite {
  /** The keys of the transaction, or `key` and the name of a key. */
  readonly what: string
}

/** Decides over each durable write of a process. `lost`: it fails and nothing has changed. */
export type Fate = (write: DurableWrite) => 'done' | 'lost' | 'killed before' | 'killed after'

/** Whether a process lives, and what its disk does to it. */
export interface Life {
  alive: boolean
  /** Set by a test. */
  fate: Fate
  readonly kill: () => void
}

const never = (): Promise<never> => new Promise(() => undefined)

/** A process's view of its disk: after its death nothing is answered, and nothing written. */
async function durably<T>(life: Life, what: string, change: () => Promise<T>): Promise<T> {
  if (!life.alive) return never()
  const fate = life.fate({ what })
  if (fate === 'lost') throw new StorageError('STORAGE_FULL', 'no space left')
  if (fate === 'killed before') life.kill()
  if (!life.alive) return never()
  const result = await change()
  if (fate === 'killed after') life.kill()
  return life.alive ? result : never()
}

async function reading<T>(life: Life, read: () => Promise<T>): Promise<T> {
  const result = await (life.alive ? read() : never())
  return life.alive ? result : never()
}

export function storageOf(life: Life, storage: Storage): Storage {
  return {
    get: (key) => reading(life, () => storage.get(key)),
    list: (...range) => reading(life, () => storage.list(...range)),
    transact: (writes: readonly StorageWrite[]) =>
      durably(life, writes.map(({ key }) => key).join(' '), () => storage.transact(writes)),
    close: () => storage.close(),
  }
}

export function keyStoreOf(life: Life, keys: KeyStore): KeyStore {
  return {
    names: () => reading(life, () => keys.names()),
    read: (name) => reading(life, () => keys.read(name)),
    add: (name, record) => durably(life, `key ${name}`, () => keys.add(name, record)),
    delete: (name) => durably(life, `key ${name}`, () => keys.delete(name)),
    describe: (name) => keys.describe(name),
  }
}
