import type { PublicKey } from '@vestibule/keys'
import type { SpaceError } from '../error.ts'
import type { Message } from '../message.ts'
import type { SpaceStore } from '../space-store.ts'
import type { MessageType, TypedMessage } from './message-type.ts'
import { TypedMessages } from './typed-messages.ts'

/** What an application does with messages of types that it has defined. */
export abstract class TypedActs {
  /** @internal */
  protected abstract readonly store: SpaceStore
  readonly #reported = new Set<string>()

  /** @internal The own identity. */
  abstract readonly self: PublicKey

  /** @internal */
  abstract report(problem: SpaceError): void

  abstract write(body: string | Uint8Array, options?: { readonly type?: string }): Promise<Message>
  abstract subscribe(listener: { onMessage?(message: Message): void }): () => void

  /**
   * Writes a message of a type, as {@link TypedActs.write} does.
   * @throws whatever the type throws for a value that it can't encode; otherwise as `write`
   */
  async send<T>(type: MessageType<T>, value: T): Promise<TypedMessage<T>> {
    const written = await this.write(type.encode(value), { type: type.name })
    const { type: _, bytes: __, ...rest } = written
    return { ...rest, value }
  }

  /** The messages of a type: those that were written, and those to come. */
  messagesOf<T>(type: MessageType<T>): TypedMessages<T> {
    return new TypedMessages(type, {
      log: this.store.log,
      shown: (placed) => this.store.shown(placed, this.self),
      subscribe: (listener) => this.subscribe(listener),
      onProblem: (problem) => this.report(problem),
      reported: this.#reported,
    })
  }
}
