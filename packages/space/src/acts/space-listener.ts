import type { SpaceError } from '../error.ts'
import type { Message } from '../message.ts'
import type { SpacePeer } from '../replication/handshake.ts'
import type { Departure, Member } from '../roster.ts'

/** A listener that throws is its owner's mistake, and stops neither the others nor whoever tells them. */
export function tellAll<L>(listeners: Iterable<L>, call: (listener: L) => void): void {
  for (const listener of [...listeners]) {
    try {
      call(listener)
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
    }
  }
}

/** What happens in a space; each part may be left out. */
export interface SpaceListener {
  /** Somebody became a member or changed. */
  onMembers?(members: readonly Member[]): void
  /** They are no longer members. */
  onDepartures?(departures: readonly Departure[]): void
  /** The own identity is no longer a member, see `Space.removal`; or is one again, without an argument. */
  onRemoval?(removal?: Departure): void
  /** A delegated invitation came, was redeemed, or may be served no more: see `Space.delegations`. */
  onDelegations?(): void
  /** A message came or was written. It stands in `Space.messages` at its place, not always the last. */
  onMessage?(message: Message): void
  /** Messages that were here already went, or came back, because who may write has changed: these are all now. */
  onMessages?(messages: readonly Message[]): void
  /** Another read key is current, has come, or is missing: see `Space.missingReadKeys`. */
  onReadKeys?(): void
  /** Members connected or went. */
  onPeers?(peers: readonly SpacePeer[]): void
  /** A peer was refused, a feed forked, or something could not be stored. The space goes on. */
  onProblem?(problem: SpaceError): void
}
