import { bytesToHex } from '@noble/hashes/utils.js'
import { type Keyring, KeysError } from '@vestibule/keys'
import { type Clock, NetworkError } from '@vestibule/network'
import { type Delegation, type Space, SpaceError, type SpaceManager } from '@vestibule/space'
import type { Hosting } from '../hosting.ts'
import type { Invitations } from '../invitations.ts'
import { RESUME_MS, type StoredInvitation } from '../records.ts'
import { storedOf } from './delegate.ts'
import { parseServingSecrets } from './serving-secrets.ts'

/** What it works with. */
export interface ServingParts {
  readonly spaceManager: SpaceManager
  readonly keyring: Keyring
  readonly clock: Clock
  readonly invitations: Invitations
  /** How an invitation of a space is hosted. */
  readonly hostingOf: (space: Space, stored: StoredInvitation) => Hosting | undefined
  /** Whether those of other members are served here. */
  readonly servesOthers: boolean
}

/**
 * Serves the delegated invitations of all active spaces, from the moment on in which they come here: those that may be
 * served, and those that this device has served before until nobody can come back for a lost answer any more.
 */
export class DelegatedServing {
  readonly #parts: ServingParts
  readonly #watched = new Map<Space, () => void>()
  readonly #stopWatching: () => void
  /** Changes of what is served are made one after the other. */
  #work: Promise<void> = Promise.resolve()
  #closed = false

  constructor(parts: ServingParts) {
    this.#parts = parts
    this.#stopWatching = parts.spaceManager.subscribe({ onSpaces: () => this.#look() })
    this.#look()
  }

  /** Resolves when everything that is here so far is served. */
  async settled(): Promise<void> {
    for (let work: Promise<void> | undefined; work !== this.#work; ) {
      work = this.#work
      await work
    }
  }

  /** Looks at nothing any more. What it serves is the invitations' to close. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true
    this.#stopWatching()
    for (const stop of this.#watched.values()) stop()
    this.#watched.clear()
    await this.settled()
  }

  /** Which spaces are active has changed. */
  #look(): void {
    const { spaceManager } = this.#parts
    const active = spaceManager.spaces().filter(({ state }) => state === 'ACTIVE')
    const spaces = new Set(active.flatMap(({ key }) => spaceManager.get(key) ?? []))
    for (const [space, stop] of this.#watched) {
      if (spaces.has(space)) continue
      stop()
      this.#watched.delete(space)
      this.#then(space, () => this.#parts.invitations.release((target) => target?.spaceKey === space.key))
    }
    for (const space of spaces) {
      if (this.#watched.has(space)) continue
      const look = () => this.#then(space, () => this.#serve(space))
      this.#watched.set(space, space.subscribe({ onDelegations: look }))
      look()
    }
  }

  #then(space: Space, task: () => Promise<void>): void {
    this.#work = this.#work.then(task).catch((error: unknown) => {
      // The network is stopped, or this is being closed: there is nobody to serve.
      if (!(error instanceof NetworkError)) space.report(problemOf(error))
    })
  }

  async #serve(space: Space): Promise<void> {
    const { invitations, hostingOf } = this.#parts
    for (const stored of await invitations.storedOf(space.key)) {
      const hosting = hostingOf(space, stored)
      if (hosting !== undefined && this.#mayServe(space)) await invitations.serve(hosting, stored)
    }
    for (const delegation of space.delegations()) {
      if (!this.#mayServe(space) || !this.#isWanted(delegation)) continue
      if (invitations.isHosting(bytesToHex(delegation.invitationId))) continue
      await this.#takeUp(space, delegation)
    }
  }

  async #takeUp(space: Space, delegation: Delegation): Promise<void> {
    const { invitations, hostingOf, keyring } = this.#parts
    const sealed = await space.servingSecrets(delegation.id)
    const secrets = sealed && parseServingSecrets(sealed)
    const stored = secrets && storedOf(space, delegation, secrets)
    const hosting = stored && hostingOf(space, stored)
    if (secrets === undefined || stored === undefined || hosting === undefined) return
    const hostKey = await keyring.importKey(secrets.hostSecret.unwrap())
    if (hostKey !== stored.link.hostKey) return keyring.deleteKey(hostKey)
    await invitations.keep(stored)
    await invitations.serve(hosting, stored)
  }

  #mayServe(space: Space): boolean {
    return !this.#closed && this.#watched.has(space) && space.state === 'open'
  }

  #isWanted({ ended, expiresAtMs, author }: Delegation): boolean {
    const { clock, spaceManager, servesOthers } = this.#parts
    if (!servesOthers && author !== spaceManager.signingContext.identityKey) return false
    // Guests that came by it elsewhere may have lost the answer.
    if (ended === 'REDEEMED') return clock.now() < expiresAtMs + RESUME_MS
    return ended === undefined && clock.now() < expiresAtMs
  }
}

function problemOf(error: unknown): SpaceError {
  if (error instanceof SpaceError) return error
  const code = error instanceof KeysError ? 'KEYS_UNAVAILABLE' : 'MALFORMED'
  return new SpaceError(code, 'an invitation of the space could not be served', { cause: error })
}
