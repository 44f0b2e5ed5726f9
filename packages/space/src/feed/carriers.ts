import { type Credential, CredentialsError, verifyCredentials } from '@vestibule/credentials'
import type { PublicKey } from '@vestibule/keys'
import type { Feed } from './feed.ts'

/** Which feeds carry a credential: mostly one, so only further ones take a list. */
export class Carriers {
  readonly #first = new Map<string, PublicKey>()
  readonly #others = new Map<string, Set<PublicKey>>()

  add(id: string, feed: PublicKey): void {
    const first = this.#first.get(id)
    if (first === undefined) this.#first.set(id, feed)
    else if (first !== feed) this.#others.set(id, (this.#others.get(id) ?? new Set()).add(feed))
  }

  /** Whether a credential stands in a feed that is not among these. */
  isCarriedOutside(id: string, feeds: { has(feed: PublicKey): boolean }): boolean {
    const first = this.#first.get(id)
    if (first === undefined) return false
    return !feeds.has(first) || [...(this.#others.get(id) ?? [])].some((feed) => !feeds.has(feed))
  }
}

/**
 * The credentials among the payloads of a control feed. Its author may write what it likes there: what is no
 * credential, or not a valid one, stays in the feed, for the links to hold, and says nothing.
 */
export async function credentialsIn(payloads: readonly Uint8Array[]): Promise<Credential[]> {
  const verdicts = await verifyCredentials(payloads)
  return verdicts.flatMap((one) => (one instanceof CredentialsError ? [] : [one]))
}

/** The credentials in a feed from an entry on. */
export async function credentialsFrom(feed: Feed, from: number): Promise<Credential[]> {
  const credentials: Credential[] = []
  for (let at = from; at < feed.length; ) {
    const batch = await feed.batch(at)
    if (batch === undefined) break
    credentials.push(...(await credentialsIn(batch.payloads)))
    at += batch.payloads.length
  }
  return credentials
}
