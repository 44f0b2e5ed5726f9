import type { PublicKey } from '@vestibule/keys'
import { message, string, uint32 } from '@vestibule/keys/wire'
import { SpaceError, StorageError } from '../error.ts'
import type { Space } from '../space.ts'
import { parseVersioned } from '../versioned.ts'

const SUMMARY_VERSION = 1

/** A space of this device as a list shows it, whether it is loaded or not. */
export interface SpaceSummary {
  readonly key: PublicKey
  /** Empty for one that is damaged. */
  readonly name: string
  /** How many members it has; 0 for one that is damaged. */
  readonly members: number
  /**
   * Only an active space meets other members. A closed one is active, but for this session, until it is opened again. A
   * damaged one can't be read, and is left as it is.
   */
  readonly state: 'ACTIVE' | 'INACTIVE' | 'CLOSED' | 'DAMAGED'
  /** Why it can't be read. */
  readonly error?: SpaceError
}

/** What is known of a space that is not loaded. */
export interface Asleep {
  readonly name: string
  readonly members: number
}

const InactiveSpace = message('InactiveSpace', { version: uint32(1), name: string(2), members: uint32(3) })

export const encodeAsleep = (asleep: Asleep): Uint8Array =>
  InactiveSpace.encode({ version: SUMMARY_VERSION, ...asleep })

/** @throws SpaceError `STORAGE_CORRUPT`, `UNSUPPORTED_VERSION` */
export function parseAsleep(stored: Uint8Array): Asleep {
  const { name, members } = parseVersioned(InactiveSpace, SUMMARY_VERSION, stored, 'STORAGE_CORRUPT')
  return { name, members }
}

export const outlineOf = (space: Space): Asleep => ({ name: space.name, members: space.members().length })

export const summaryOf = (space: Space, isInactive: boolean): SpaceSummary => ({
  key: space.key,
  ...outlineOf(space),
  state: isInactive ? 'INACTIVE' : 'ACTIVE',
})

export const damagedSummary = (key: PublicKey, error: SpaceError): SpaceSummary => ({
  key,
  name: '',
  members: 0,
  state: 'DAMAGED',
  error,
})

/** Whether something is wrong with one space. What befalls the storage itself befalls all of them. */
export const isDamage = (error: unknown): error is SpaceError =>
  error instanceof SpaceError && (!(error instanceof StorageError) || error.code === 'STORAGE_CORRUPT')
