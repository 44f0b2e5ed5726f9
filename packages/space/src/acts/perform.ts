import type { Claim, Credential } from '@vestibule/credentials'
import type { Keyring } from '@vestibule/keys'
import type { SigningContext } from '../identity/signing-context.ts'
import type { SpaceStore } from '../space-store.ts'
import type { StorageWrite } from '../storage/storage.ts'

/** What has to follow from acts at once, so that nobody ever sees them without it. */
export interface Sequel {
  /** Written behind the acts in the own control feed. The first comes after the last act, each after the one before. */
  readonly credentials: readonly Credential[]
  /** Written in the same transaction. */
  readonly alsoWrite: readonly StorageWrite[]
}

/**
 * Gives what follows from acts that are about to be written, in the order in which they will be. The membership does
 * not know them yet. When it throws nothing is written.
 */
export type SequelOf = (acts: readonly Credential[]) => Promise<Sequel>

/** By whom, and where, something is done. */
export interface Actor {
  readonly store: SpaceStore
  readonly keyring: Keyring
  readonly signingContext: SigningContext
  /** Nothing follows unless given. */
  readonly sequelOf?: SequelOf
}

/**
 * States claims in the own name, the first after everything that is known here and each after the one before, and
 * what follows from them: in one transaction. Inside the store's serial. When it fails nothing has changed.
 *
 * @param alsoWrite in the same transaction
 * @returns the credentials of the claims
 * @throws key and storage errors
 */
export async function perform(
  actor: Actor,
  claims: readonly Claim[],
  alsoWrite: readonly StorageWrite[] = [],
): Promise<Credential[]> {
  const { store, signingContext } = actor
  const acts: Credential[] = []
  let parents = store.parentsOfNext()
  for (const claim of claims) {
    const act = await signingContext.issue(claim, { parents })
    acts.push(act)
    parents = [act.id]
  }
  await publish(actor, acts, alsoWrite)
  return acts
}

/** Writes credentials that were signed before into the own control feed, otherwise as {@link perform}. */
export async function publish(
  { store, keyring, sequelOf }: Actor,
  acts: readonly Credential[],
  alsoWrite: readonly StorageWrite[] = [],
): Promise<void> {
  const sequel = await sequelOf?.(acts)
  const payloads = [...acts, ...(sequel?.credentials ?? [])].map(({ encoded }) => encoded)
  const also = [...alsoWrite, ...(sequel?.alsoWrite ?? [])]
  await store.append(keyring, store.record.controlFeedKey, payloads, also)
}
