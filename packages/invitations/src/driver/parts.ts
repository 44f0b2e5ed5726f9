import { randomBytes } from '@noble/hashes/utils.js'
import type { Keyring } from '@vestibule/keys'
import type { Clock, NetworkManager } from '@vestibule/network'
import type { Storage } from '@vestibule/space'

/** What the drivers work with; all of it is the application's. */
export interface Parts {
  readonly networkManager: Pick<NetworkManager, 'joinSwarm' | 'relays' | 'addresses'>
  readonly storage: Storage
  readonly keyring: Keyring
  readonly clock: Clock
  /** Cryptographic random bytes. */
  readonly random: (length: number) => Uint8Array
}

/** The deadlines of protocol.md, "Sizes and times". */
export const MACHINE_MS = 10_000
export const PERSON_MS = 3 * 60_000

export const cryptoRandom = (length: number): Uint8Array => randomBytes(length)
