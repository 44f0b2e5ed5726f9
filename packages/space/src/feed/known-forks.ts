import { PublicKey } from '@vestibule/keys'
import { storageKeys } from '../record.ts'
import type { Storage, StorageWrite } from '../storage/storage.ts'
import { encodeFork, type ForkProof, parseFork } from './fork.ts'

/** The forks of a space that are known here, as they are stored: of each feed the earliest. */
export class KnownForks {
  readonly #space: PublicKey
  readonly #proofs = new Map<PublicKey, ForkProof>()

  constructor(space: PublicKey) {
    this.#space = space
  }

  /** Reads what is stored. @throws SpaceError `STORAGE_CORRUPT`, `UNSUPPORTED_VERSION` */
  async read(storage: Storage): Promise<void> {
    const prefix = storageKeys.forks(this.#space)
    for (const [key, record] of await storage.list(prefix)) {
      const feed = PublicKey.fromHex(key.slice(prefix.length))
      this.#proofs.set(feed, await parseFork(this.#space, feed, record))
    }
  }

  get proofs(): ReadonlyMap<PublicKey, ForkProof> {
    return this.#proofs
  }

  /** So many entries are the same in all histories of a feed; infinity when there is only one. */
  at(feed: PublicKey): number {
    return this.#proofs.get(feed)?.at ?? Number.POSITIVE_INFINITY
  }

  /** What has to be written when a proof is taken. */
  write(proof: ForkProof): StorageWrite {
    return { key: storageKeys.fork(this.#space, proof.feed), value: encodeFork(proof) }
  }

  /** Takes a proof that has been written. */
  add(proof: ForkProof): void {
    this.#proofs.set(proof.feed, proof)
  }
}
