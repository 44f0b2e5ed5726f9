import { SpaceError } from '../error.ts'
import type { Message, PlacedMessage } from '../message.ts'
import type { MessageLog } from './message-log.ts'
import type { MessageType, TypedMessage } from './message-type.ts'

/** Messages that are looked through at a time. */
const PAGE = 64

/** Which part of a history. */
export interface HistoryOptions {
  /** The id of the message that it begins behind, of whatever type; from the beginning unless given. */
  readonly after?: string
  /** At most so many, a positive integer; all unless given. */
  readonly limit?: number
}

/** Where the messages of a space are. */
export interface MessageSource {
  readonly log: MessageLog
  /** What of a message is shown; `undefined` for one that can't be read or does not count. */
  shown(placed: PlacedMessage): Message | undefined
  subscribe(listener: { onMessage(message: Message): void }): () => void
  onProblem(problem: SpaceError): void
  /** Ids of messages that were reported. */
  readonly reported: Set<string>
}

/**
 * The messages of one type in a space. Those of other types are passed over, and stay for releases of the application
 * that know them; those that do not decode are reported (`onProblem`, `MALFORMED`), each once, and passed over.
 */
export class TypedMessages<T> {
  readonly type: MessageType<T>
  readonly #source: MessageSource

  /** @internal */
  constructor(type: MessageType<T>, source: MessageSource) {
    this.type = type
    this.#source = source
  }

  /**
   * Calls back with every message that comes or is written from now on, in the order of coming: each behind those of
   * the same device, but not always at the end of the history.
   * @returns a function that ends it
   */
  subscribe(handler: (message: TypedMessage<T>) => void): () => void {
    return this.#source.subscribe({
      onMessage: (message) => {
        const typed = this.#read(message)
        if (typed !== undefined) handler(typed)
      },
    })
  }

  /**
   * The messages in an order that is the same for all who have the same ones, each behind all that its author had
   * seen. A few are opened at a time, when they are asked for; what comes meanwhile is among them when it stands
   * behind.
   * @throws TypeError for a limit that makes no sense; SpaceError `NO_MESSAGE` when `after` is not here
   */
  async *history({ after, limit }: HistoryOptions = {}): AsyncGenerator<TypedMessage<T>, void> {
    if (limit !== undefined && !(Number.isSafeInteger(limit) && limit > 0))
      throw new TypeError('a history has a limit of at least 1')
    const { log } = this.#source
    let last = after === undefined ? undefined : log.find(after)
    if (after !== undefined && last === undefined)
      throw new SpaceError('NO_MESSAGE', 'there is no such message here to begin behind')
    let count = 0
    for (;;) {
      const page = log.behind(last, PAGE)
      if (page.length === 0) return
      for (const placed of page) {
        last = placed
        const message = this.#source.shown(placed)
        const typed = message && this.#read(message)
        if (typed === undefined) continue
        yield typed
        if (++count === limit) return
      }
    }
  }

  #read(message: Message): TypedMessage<T> | undefined {
    const { type, text: _, bytes, ...rest } = message
    if (type !== this.type.name) return undefined
    try {
      if (bytes === undefined) throw new TypeError('a text')
      return { ...rest, value: this.type.decode(bytes.slice()) }
    } catch (cause) {
      const { reported, onProblem } = this.#source
      if (!reported.has(message.id)) {
        reported.add(message.id)
        onProblem(new SpaceError('MALFORMED', `a message of the type ${type} does not decode`, { cause }))
      }
      return undefined
    }
  }
}
