import { MemoryStorage, type Space, type Storage, type StorageWrite } from '../../src/index.ts'
import { missingOf } from '../../src/lifecycle/missing.ts'
import { ReadKeyRing } from '../../src/read-keys/ring.ts'
import { parseRecord, storageKeys } from '../../src/record.ts'
import { SpaceStore } from '../../src/space-store.ts'
import type { Person } from '../world.ts'

export const storeOf = (space: Space): SpaceStore =>
  (space as unknown as { readonly store: SpaceStore }).store

/** Remembers every transaction, so that the storage can be had as a crash behind any of them would leave it. */
export class LoggedStorage extends MemoryStorage {
  readonly log: (readonly StorageWrite[])[] = []

  override async transact(writes: readonly StorageWrite[]): Promise<void> {
    await super.transact(writes)
    this.log.push(writes.map(({ key, value }) => ({ key, value: value?.slice() })))
  }
}

export async function storageWith(entries: readonly StorageWrite[]): Promise<MemoryStorage> {
  const storage = new MemoryStorage()
  await storage.transact(entries)
  return storage
}

export async function copyOf(storage: Storage, change: readonly StorageWrite[] = []): Promise<MemoryStorage> {
  const all = (await storage.list('')).map(([key, value]) => ({ key, value }))
  return storageWith([...all, ...change])
}

/** A space as somebody's device opens it from a storage; `undefined` when it is not there. */
export async function opened(
  person: Person,
  space: Space,
  storage: Storage,
): Promise<SpaceStore | undefined> {
  const record = await storage.get(storageKeys.record(space.key))
  if (record === undefined) return undefined
  const ring = await ReadKeyRing.open(storage, space.key, person)
  return SpaceStore.open(storage, parseRecord(record), ring)
}

/** Everything that is told of a space. */
export function stateOf(store: SpaceStore, person: Person): unknown {
  const { roster, horizon, forks, readKeys } = store
  const { membership } = roster
  return {
    members: roster.members(),
    path: roster.pathOf(person.signingContext.identityKey).map(({ id }) => id),
    feeds: store.feeds().map(({ key, head, size }) => [key.toHex(), head.length, size, horizon.limitOf(key)]),
    credentials: membership.credentials().map(({ id }) => [id, membership.why(id)]),
    waiting: membership.waiting,
    heads: membership.heads,
    next: store.parentsOfNext(),
    cuts: [...membership.cuts()],
    epochs: membership.epochs().all.map(({ id }) => id),
    current: membership.epochs().current?.id,
    readKeys: readKeys.all().map(({ epoch }) => epoch),
    messages: store.messages(person.signingContext.identityKey),
    missing: missingOf(store),
    forks: [...forks.proofs.keys()].map((key) => key.toHex()),
  }
}
