import { utf8ToBytes } from '@noble/hashes/utils.js'
import { MAX_MESSAGE_TYPE_BYTES, type Message } from '../message.ts'

/** A kind of message that the application knows: how its values are written as bytes, and read back. */
export interface MessageType<T> {
  readonly name: string
  encode(value: T): Uint8Array
  /** Throws when the bytes are no such value. */
  decode(encoded: Uint8Array): T
}

/** What writes and reads values: of one's own, or a type of protobufjs. */
export interface MessageCodec<T> {
  encode(value: T): Uint8Array | { finish(): Uint8Array }
  /** Throws when the bytes are no such value; they come from other members. */
  decode(encoded: Uint8Array): T
}

/** A message of a type, with what it says. */
export type TypedMessage<T> = Omit<Message, 'type' | 'text' | 'bytes'> & { readonly value: T }

/**
 * Describes a type of messages, for `Space.send` and `Space.messagesOf`.
 *
 * @param name told to all members with each message: 1 to 64 bytes of UTF-8, as the application's domain turned around
 * @throws TypeError for another name
 * @example
 * const Chat = defineMessage<{ text: string }>('org.example.chat', {
 *   encode: (value) => new TextEncoder().encode(JSON.stringify(value)),
 *   decode: (encoded) => parseChat(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(encoded))),
 * })
 */
export function defineMessage<T>(name: string, codec: MessageCodec<T>): MessageType<T> {
  const bytes = utf8ToBytes(name).length
  if (bytes === 0 || bytes > MAX_MESSAGE_TYPE_BYTES)
    throw new TypeError(`a type of messages has a name of 1 to ${MAX_MESSAGE_TYPE_BYTES} bytes of UTF-8`)
  return {
    name,
    encode: (value) => {
      const encoded = codec.encode(value)
      return encoded instanceof Uint8Array ? encoded : encoded.finish()
    },
    decode: (encoded) => codec.decode(encoded),
  }
}
