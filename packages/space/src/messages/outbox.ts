import { ownDataFeed } from '../acts/data-feed.ts'
import type { Actor } from '../acts/perform.ts'
import { encodeBody, type Message, type MessageContent, sealBody } from '../message.ts'
import type { ReadKeys } from '../read-keys/read-keys.ts'
import type { StorageWrite } from '../storage/storage.ts'

/** Bytes of messages from which on no further one goes into a transaction. */
const ENOUGH_BYTES = 1024 * 1024

/** A message that waits to be stored, and whoever waits for it. */
interface Waiting {
  readonly body: Uint8Array
  readonly resolve: (message: Message) => void
  readonly reject: (error: unknown) => void
}

/** What an outbox writes with. */
export interface OutboxParts {
  readonly readKeys: ReadKeys
  /** Runs a task when nothing else of the space is being changed. */
  readonly act: (task: (actor: Actor) => Promise<void>) => Promise<void>
  /** How many changes of the space were asked for so far. */
  readonly asked: () => number
}

/**
 * Messages on their way into the own data feed. What is written while the space is busy, and nothing else is asked for
 * in between, goes into one transaction, because each waits for the disk: in the order of the calls, and each call
 * resolves when its message is durable.
 */
export class Outbox {
  readonly #parts: OutboxParts
  /** What was begun last: it takes more until its turn comes, or something else is asked for. */
  #last: { readonly waiting: Waiting[]; readonly asked: number } | undefined

  constructor(parts: OutboxParts) {
    this.#parts = parts
  }

  /** @throws what `Space.write` throws; what is wrong with one message concerns no other */
  async write(content: MessageContent): Promise<Message> {
    const body = encodeBody(content)
    return new Promise((resolve, reject) => this.#take({ body, resolve, reject }))
  }

  #take(one: Waiting): void {
    if (this.#last !== undefined && this.#last.asked === this.#parts.asked()) {
      this.#last.waiting.push(one)
      return
    }
    const waiting = [one]
    const stored = this.#parts.act((actor) => {
      this.#close(waiting)
      return this.#store(actor, waiting)
    })
    this.#last = { waiting, asked: this.#parts.asked() }
    stored.catch((error: unknown) => {
      this.#close(waiting)
      for (const { reject } of waiting) reject(error)
    })
  }

  #close(waiting: readonly Waiting[]): void {
    if (this.#last?.waiting === waiting) this.#last = undefined
  }

  /** Empties the list, as many at a time as go into a transaction. When one fails the list holds it and what follows. */
  async #store(actor: Actor, waiting: Waiting[]): Promise<void> {
    while (waiting.length > 0) {
      const next = waiting.slice(0, fitting(waiting))
      const messages = await writeMessages(
        actor,
        this.#parts.readKeys,
        next.map(({ body }) => body),
      )
      waiting.splice(0, next.length)
      for (const [n, { resolve }] of next.entries()) resolve(messages[n] as Message)
    }
  }
}

/** How many messages go into the next transaction: at least one. */
function fitting(waiting: readonly Waiting[]): number {
  let [count, bytes] = [0, 0]
  while (count < waiting.length && bytes < ENOUGH_BYTES) bytes += waiting[count++]?.body.length ?? 0
  return count
}

/**
 * Seals messages for the places at the end of the own data feed, and stores them in one transaction with `alsoWrite`.
 * Inside the store's serial.
 */
export async function writeMessages(
  actor: Actor,
  readKeys: ReadKeys,
  bodies: readonly Uint8Array[],
  alsoWrite: readonly StorageWrite[] = [],
): Promise<Message[]> {
  const { store, keyring } = actor
  const feed = await ownDataFeed(actor)
  const epoch = await readKeys.forWriting()
  const payloads = bodies.map((body, n) => sealBody(body, store.placeOfNext(feed, epoch, n), store.readKeys))
  const { messages } = await store.append(keyring, feed, payloads, alsoWrite)
  return messages.map((placed) => placed.open(store.readKeys) as Message)
}
