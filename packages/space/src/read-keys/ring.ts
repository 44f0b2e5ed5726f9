import { hkdf } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import type { PublicKey, Redacted } from '@vestibule/keys'
import type { Storage, StorageWrite } from '../storage/storage.ts'
import { entryKeyOf } from './entry-cipher.ts'
import type { ReadKey } from './read-key.ts'
import { createVault, type DeviceHolder, readKeyRecordKey, readKeyWrite, readVault } from './ring-records.ts'

const TAG_PURPOSE = 'vestibule stored space tag v1'

/**
 * The read keys of a space that this device holds, and what follows from them. They are stored sealed to the device's
 * agreement key: the key store opens them once, when the space is opened. There may be any number of them; each takes
 * about 200 bytes in the storage and in memory.
 */
export class ReadKeyRing {
  readonly #space: PublicKey
  readonly #vault: Redacted<Uint8Array>
  readonly #keys = new Map<string, ReadKey>()
  readonly #entryKeys = new Map<string, Redacted<Uint8Array>>()
  /** Of epochs that are being written: they count once their credential is stored. */
  readonly #staged = new Map<string, ReadKey>()
  #vaultWrite: StorageWrite | undefined

  /** @param vaultWrite what has to be stored before anything else of it, unless it is there */
  constructor(
    space: PublicKey,
    vault: Redacted<Uint8Array>,
    keys: readonly ReadKey[],
    vaultWrite?: StorageWrite,
  ) {
    this.#space = space
    this.#vault = vault
    this.#vaultWrite = vaultWrite
    for (const key of keys) this.#keys.set(key.epoch, key)
  }

  /** One that nothing is in and nothing is stored of. */
  static async create(space: PublicKey, agreementKey: Uint8Array): Promise<ReadKeyRing> {
    const { key, write } = await createVault(space, agreementKey)
    return new ReadKeyRing(space, key, [], write)
  }

  /**
   * What is stored; one that nothing is in when that is nothing.
   * @throws SpaceError `STORAGE_CORRUPT`, `UNSUPPORTED_VERSION`; KeysError of the key store; storage errors
   */
  static async open(storage: Storage, space: PublicKey, device: DeviceHolder): Promise<ReadKeyRing> {
    const stored = await readVault(storage, space, device)
    if (stored === undefined) return ReadKeyRing.create(space, device.signingContext.agreementKey)
    return new ReadKeyRing(space, stored.key, stored.readKeys)
  }

  /** In the order in which they came. */
  all(): ReadKey[] {
    return [...this.#keys.values()]
  }

  get size(): number {
    return this.#keys.size
  }

  has(epoch: string): boolean {
    return this.#keys.has(epoch)
  }

  get(epoch: string): ReadKey | undefined {
    return this.#keys.get(epoch)
  }

  /** What entries of an epoch are sealed with, derived once. */
  entryKey(epoch: string): Redacted<Uint8Array> | undefined {
    const derived = this.#entryKeys.get(epoch)
    if (derived !== undefined) return derived
    const key = this.#keys.get(epoch)
    if (key === undefined) return undefined
    const fresh = entryKeyOf(key, this.#space)
    this.#entryKeys.set(epoch, fresh)
    return fresh
  }

  /** What has to be stored for further keys; afterwards {@link ReadKeyRing.add} them. */
  writes(keys: readonly ReadKey[]): StorageWrite[] {
    const fresh = keys.filter(({ epoch }) => !this.#keys.has(epoch))
    const writes = fresh.map((key, n) => readKeyWrite(this.#vault, this.#space, key, this.#keys.size + n))
    return this.#vaultWrite === undefined ? writes : [this.#vaultWrite, ...writes]
  }

  /** Takes in keys that have been stored. */
  add(keys: readonly ReadKey[]): void {
    this.#vaultWrite = undefined
    for (const key of keys) if (!this.#keys.has(key.epoch)) this.#keys.set(key.epoch, key)
  }

  /** 32 bytes by which this device knows again what it stored of the space, and nobody else can make. */
  tag(content: Uint8Array): Uint8Array {
    const key = hkdf(sha256, this.#vault.unwrap(), this.#space.toBytes(), utf8ToBytes(TAG_PURPOSE), 32)
    return hmac(sha256, key, content)
  }

  /** What has to be stored for a key to be gone; it is at once. */
  drop(epoch: string): StorageWrite[] {
    this.#keys.delete(epoch)
    this.#entryKeys.delete(epoch)
    return [{ key: readKeyRecordKey(this.#space, epoch), value: undefined }]
  }

  /** What has to be stored, in one transaction with the credential of its epoch, for a key of the own making. */
  stage(key: ReadKey): StorageWrite[] {
    this.#staged.clear()
    this.#staged.set(key.epoch, key)
    return this.writes([key])
  }

  /** The credential of an epoch has been stored. */
  confirm(epoch: string): void {
    const staged = this.#staged.get(epoch)
    if (staged === undefined) return
    this.#staged.clear()
    this.add([staged])
  }
}
