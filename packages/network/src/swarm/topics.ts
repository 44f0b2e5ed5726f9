import type { Registration } from '../rendezvous/client.ts'
import { Presence, type PresenceOptions } from './presence.ts'
import type { Environment, RelayLink, RelayStatus } from './relay-link.ts'
import { topicNamespace } from './topic.ts'

interface Joined {
  readonly topic: Uint8Array
  readonly presences: readonly Presence[]
}

/** Takes topics, by their hashes, for one swarm and no other. */
export interface Claims {
  /** @throws NetworkError `ALREADY_JOINED` */
  claim(namespace: string): Promise<void>
  release(namespace: string): void
}

/** What is done at the relays for each topic, and who is told. */
export interface TopicsOptions extends Pick<PresenceOptions, 'announce' | 'onStatus'> {
  readonly onFound?: (namespace: string, registrations: readonly Registration[]) => void
}

/** The topics of one swarm, each at every relay, the one that goes first before the others. */
export class Topics {
  readonly #links: readonly RelayLink[]
  readonly #environment: Environment
  readonly #options: TopicsOptions
  #joined = new Map<string, Joined>()

  constructor(links: readonly RelayLink[], environment: Environment, options: TopicsOptions) {
    this.#links = links
    this.#environment = environment
    this.#options = options
  }

  /** By their hashes. */
  get namespaces(): readonly string[] {
    return [...this.#joined.keys()]
  }

  /** The topic with a hash. */
  get(namespace: string): Uint8Array | undefined {
    return this.#joined.get(namespace)?.topic
  }

  /** How the relays stand to the topic that goes first. */
  get relays(): { readonly address: string; readonly status: RelayStatus }[] {
    const [first] = this.#joined.values()
    return (first?.presences ?? []).map(({ address, status }) => ({ address, status }))
  }

  /**
   * The topic for somebody who was found under some of them, or by an address alone: another one at each attempt.
   * @param attempt how many have failed
   */
  toTry(found: ReadonlySet<string>, attempt: number): Uint8Array | undefined {
    const under = this.namespaces.filter((namespace) => found.has(namespace))
    const all = under.length > 0 ? under : this.namespaces
    return this.get(all[attempt % all.length] ?? '')
  }

  add(topic: Uint8Array): void {
    const namespace = topicNamespace(topic)
    const { announce, onStatus, onFound } = this.#options
    const presences: Presence[] = []
    // Before a presence begins: what it says at once is looked at here.
    this.#joined.set(namespace, { topic: topic.slice(), presences })
    for (const link of this.#links)
      presences.push(
        new Presence(link, this.#environment, {
          namespace,
          announce,
          onStatus,
          ...(onFound && { onFound: (registrations) => onFound(namespace, registrations) }),
        }),
      )
  }

  /** The first of these goes first; the others stay in their order. */
  sort(namespaces: readonly string[]): void {
    const place = ([namespace]: [string, Joined]): number => namespaces.indexOf(namespace)
    this.#joined = new Map([...this.#joined].sort((a, b) => place(a) - place(b)))
  }

  /** Resolves once the relays have been told, or can't be. */
  async remove(namespace: string): Promise<void> {
    const joined = this.#joined.get(namespace)
    this.#joined.delete(namespace)
    await Promise.all((joined?.presences ?? []).map((presence) => presence.close()))
  }
}
