import type { Credential } from '@vestibule/credentials'
import { type PublicKey, pae, sealToAgreementKey } from '@vestibule/keys'
import { message, nested, repeated, WireError } from '@vestibule/keys/wire'
import { SpaceError } from '../error.ts'
import type { SpacePeer } from '../replication/handshake.ts'
import type { SpaceStore } from '../space-store.ts'
import { missingEpochs } from './current.ts'
import { type Device, openFor, readKeyOf } from './open-epoch.ts'
import {
  FOUNDING_EPOCH,
  MAX_KEYS_PER_FRAME,
  type ReadKey,
  ReadKeyMessage,
  readKeyFromWire,
  readKeyToWire,
} from './read-key.ts'

/** Most epochs that one end may ask for; more are passed over. */
const MAX_WANTED = 4096

/** What is sealed to the other end's device. */
export const HandedKeys = message('HandedKeys', {
  keys: repeated(nested(1, ReadKeyMessage), { max: MAX_KEYS_PER_FRAME }),
})

/** What comes next: epochs to ask for, or keys for the other end, sealed. */
export type HandOverStep =
  | { readonly type: 'ask'; readonly epochs: readonly string[] }
  | { readonly type: 'give'; readonly sealed: Uint8Array }

/**
 * Read keys that one of two members lacks and the other holds, over the channel between them. They are sealed to the
 * device's agreement key as its identity has named it in the space, and given when, by what is known here, the device is
 * one of a member and not revoked: of the epochs that its member may read, and to another device of the own identity all.
 *
 * 1. Each epoch is asked for once, as it turns out to be missing.
 * 2. Each that the other end asked for is given once, as soon as it is held here and may be given.
 * 3. Nothing is taken that is not what the epoch commits to. The founding key, which no credential commits to, is taken
 *    from another own device only.
 */
export class HandOver {
  readonly #store: SpaceStore
  readonly #device: Device
  readonly #peer: SpacePeer
  readonly #asked = new Set<string>()
  readonly #wanted = new Set<string>()
  readonly #given = new Set<string>()
  /** As things were when there was nothing more to say. */
  #seen: readonly unknown[] = []

  constructor(store: SpaceStore, device: Device, peer: SpacePeer) {
    this.#store = store
    this.#device = device
    this.#peer = peer
  }

  /** The other end lacks these. */
  onAsked(epochs: readonly string[]): void {
    for (const epoch of epochs) if (this.#wanted.size < MAX_WANTED) this.#wanted.add(epoch)
  }

  /** The other end gives keys. @throws SpaceError `MALFORMED`; key and storage errors */
  async onGiven(sealed: Uint8Array): Promise<void> {
    const { deviceKey } = this.#device.signingContext
    const opened = await openFor(this.#device, sealed, this.#purpose(deviceKey))
    if (opened === undefined)
      throw new SpaceError('MALFORMED', 'read keys that are not sealed to this device')
    const keys = parseHanded(opened).flatMap((key) => this.#accepted(key) ?? [])
    if (keys.length > 0) await this.#store.serial.run(() => this.#store.addReadKeys(keys))
  }

  /** What to say next; `undefined` until something has changed. */
  async next(): Promise<HandOverStep | undefined> {
    // What is asked for while something is being sealed is looked at afterwards.
    const now = [
      this.#wanted.size,
      this.#store.roster.membership.epochs(),
      this.#store.readKeys.size,
      this.#store.unread.epochs().length,
    ]
    if (now.every((one, at) => one === this.#seen[at])) return undefined
    const epochs = this.#missing().slice(0, MAX_KEYS_PER_FRAME)
    for (const epoch of epochs) this.#asked.add(epoch)
    if (epochs.length > 0) return { type: 'ask', epochs }
    const sealed = await this.#gift()
    if (sealed !== undefined) return { type: 'give', sealed }
    this.#seen = now
    return undefined
  }

  #missing(): string[] {
    const { identityKey } = this.#device.signingContext
    const own = this.#peer.identityKey === identityKey
    const missing = missingEpochs(this.#store, identityKey)
    const all = own ? new Set([...missing, ...this.#store.unread.epochs()]) : missing
    return [...all].filter((epoch) => !this.#asked.has(epoch) && !this.#store.readKeys.has(epoch))
  }

  /** The keys that the other end lacks and may have, sealed to it. */
  async #gift(): Promise<Uint8Array | undefined> {
    const { readKeys, roster } = this.#store
    const { identityKey, deviceKey } = this.#peer
    const device = roster.membership.devicesOf(identityKey).find(({ key }) => key === deviceKey)
    const { claim } = device?.authorized ?? {}
    const isMember = roster.roleOf(identityKey) !== undefined
    if (device?.revoked !== false || claim?.type !== 'AuthorizedDevice' || !isMember) return undefined
    const keys = [...this.#wanted]
      .filter((epoch) => !this.#given.has(epoch) && this.#mayHave(epoch))
      .flatMap((epoch) => readKeys.get(epoch) ?? [])
      .slice(0, MAX_KEYS_PER_FRAME)
    if (keys.length === 0) return undefined
    for (const { epoch } of keys) this.#given.add(epoch)
    const content = HandedKeys.encode({ keys: keys.map(readKeyToWire) })
    return sealToAgreementKey(claim.agreementKey, content, { info: this.#purpose(deviceKey) })
  }

  #mayHave(epoch: string): boolean {
    const { identityKey } = this.#peer
    if (identityKey === this.#device.signingContext.identityKey) return true
    return this.#store.roster.membership.mayRead(identityKey, epoch === FOUNDING_EPOCH ? undefined : epoch)
  }

  #accepted({ epoch, key }: ReadKey): ReadKey | undefined {
    const { roster, readKeys } = this.#store
    if (!this.#asked.has(epoch) || readKeys.has(epoch)) return undefined
    if (epoch === FOUNDING_EPOCH)
      return this.#peer.identityKey === this.#device.signingContext.identityKey ? { epoch, key } : undefined
    const credential: Credential | undefined = roster.membership.get(epoch)
    return credential && readKeyOf(credential, key.unwrap())
  }

  #purpose(recipient: PublicKey): Uint8Array {
    return pae('vestibule handed read keys v1', this.#store.record.spaceKey.toBytes(), recipient.toBytes())
  }
}

/** @throws SpaceError `MALFORMED` */
export function parseHanded(opened: Uint8Array): ReadKey[] {
  try {
    return HandedKeys.parse(opened).keys.map((key) => readKeyFromWire(key, 'MALFORMED'))
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause
    throw new SpaceError('MALFORMED', 'read keys that can’t be read', { cause })
  }
}
