import protobuf from 'protobufjs'
import { describe, expect, test } from 'vitest'
import {
  defineMessage,
  MAX_MESSAGE_BYTES,
  type MessageType,
  type Space,
  type SpaceError,
  type TypedMessage,
} from '../../src/index.ts'
import { bring, Person, until, World } from '../world.ts'

interface Chat {
  readonly text: string
}
const json = <T>(name: string, isT: (value: unknown) => value is T): MessageType<T> =>
  defineMessage(name, {
    encode: (value: T) => new TextEncoder().encode(JSON.stringify(value)),
    decode: (encoded) => {
      const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(encoded))
      if (!isT(value)) throw new TypeError(`no ${name}`)
      return value
    },
  })
const isChat = (value: unknown): value is Chat =>
  typeof value === 'object' && value !== null && 'text' in value && typeof value.text === 'string'
const Chat = json('org.example.chat', isChat)
const Count = json('org.example.count', (value): value is number => typeof value === 'number')

async function meet() {
  const world = new World()
  const [ada, bob] = [await Person.join(world, 'ada'), await Person.join(world, 'bob')]
  const hers = await ada.manager.createSpace({ name: 'Kitchen' })
  const his = await bring(hers, bob)
  const close = async () => {
    for (const { manager } of [ada, bob]) await manager.close()
  }
  return { hers, his, close, ada, bob }
}

async function valuesOf<T>(space: Space, type: MessageType<T>, options = {}): Promise<T[]> {
  const values: T[] = []
  for await (const { value } of space.messagesOf(type).history(options)) values.push(value)
  return values
}

describe('a message of a type', () => {
  test('comes to whoever subscribed to its type, and stands in its history', async () => {
    const { hers, his, close, ada } = await meet()
    const came: TypedMessage<Chat>[] = []
    const stop = his.messagesOf(Chat).subscribe((message) => void came.push(message))
    await hers.send(Count, 1)
    const sent = await hers.send(Chat, { text: 'hello' })
    await until(his, () => came.length === 1)
    expect(came).toEqual([sent])
    expect(came[0]).toMatchObject({ author: ada.signingContext.identityKey, value: { text: 'hello' } })
    expect(await valuesOf(his, Chat)).toEqual([{ text: 'hello' }])
    expect(await valuesOf(his, Count)).toEqual([1])
    stop()
    await hers.send(Chat, { text: 'unheard' })
    await until(his, () => his.messages().length === 3)
    expect(came).toHaveLength(1)
    await close()
  })

  test('stands among all messages, with those that have none', async () => {
    const { hers, close } = await meet()
    await hers.write('plain')
    await hers.send(Count, 2)
    expect(hers.messages().map(({ type, text }) => [type, text])).toEqual([
      [undefined, 'plain'],
      ['org.example.count', undefined],
    ])
    expect(await valuesOf(hers, Chat)).toEqual([])
    await close()
  })

  test('that does not decode is reported once and passed over', async () => {
    const { hers, his, close } = await meet()
    const [problems, came] = [[] as SpaceError[], [] as unknown[]]
    his.subscribe({ onProblem: (problem) => void problems.push(problem) })
    his.messagesOf(Chat).subscribe(({ value }) => void came.push(value))
    await hers.write(Uint8Array.of(0xff), { type: Chat.name })
    await hers.write('a text', { type: Chat.name })
    await hers.send(Chat, { text: 'good' })
    await until(his, () => his.messages().length === 3)
    for (let again = 0; again < 2; again++) expect(await valuesOf(his, Chat)).toEqual([{ text: 'good' }])
    expect(came).toEqual([{ text: 'good' }])
    expect(problems.map(({ code }) => code)).toEqual(['MALFORMED', 'MALFORMED'])
    await close()
  })

  test('is read a part at a time, from behind one that is known', async () => {
    const { hers, close } = await meet()
    for (let n = 0; n < 150; n++) await (n % 2 === 0 ? hers.send(Count, n) : hers.write('between'))
    expect(await valuesOf(hers, Count)).toEqual(Array.from({ length: 75 }, (_, n) => 2 * n))
    expect(await valuesOf(hers, Count, { limit: 3 })).toEqual([0, 2, 4])
    const ids: string[] = []
    for await (const { id } of hers.messagesOf(Count).history()) ids.push(id)
    expect(await valuesOf(hers, Count, { after: ids[70] })).toEqual([142, 144, 146, 148])
    expect(await valuesOf(hers, Count, { after: ids[70], limit: 1 })).toEqual([142])
    expect(await valuesOf(hers, Count, { after: ids.at(-1) })).toEqual([])
    await expect(valuesOf(hers, Count, { after: 'ab'.repeat(32) })).rejects.toMatchObject({
      code: 'NO_MESSAGE',
    })
    for (const limit of [0, -1, 0.5])
      await expect(valuesOf(hers, Count, { limit })).rejects.toThrow(TypeError)
    await close()
  })

  test('that is written while a history is read is among it', async () => {
    const { hers, close } = await meet()
    await hers.send(Count, 1)
    const values: number[] = []
    for await (const { value } of hers.messagesOf(Count).history()) {
      values.push(value)
      if (value < 5) await hers.send(Count, value + 1)
    }
    expect(values).toEqual([1, 2, 3, 4, 5])
    await close()
  })

  test('may be written by protobufjs', async () => {
    const { hers, close } = await meet()
    const type = new protobuf.Type('Point').add(new protobuf.Field('x', 1, 'sint32'))
    const Point = defineMessage<{ x: number }>('org.example.point', {
      encode: (value) => type.encode(value),
      decode: (encoded) => ({ x: Number(type.toObject(type.decode(encoded))['x']) }),
    })
    await hers.send(Point, { x: -7 })
    expect(await valuesOf(hers, Point)).toEqual([{ x: -7 }])
    await close()
  })

  test('that is too long is refused, and so is a name that is no name', async () => {
    const { hers, close } = await meet()
    const long = { text: 'x'.repeat(MAX_MESSAGE_BYTES) }
    await expect(hers.send(Chat, long)).rejects.toMatchObject({ code: 'TOO_LARGE' })
    expect(hers.messages()).toEqual([])
    for (const name of ['', 'x'.repeat(65), 'ü'.repeat(33)])
      expect(() => defineMessage(name, { encode: () => Uint8Array.of(), decode: () => 0 })).toThrow(TypeError)
    defineMessage('x'.repeat(64), { encode: () => Uint8Array.of(), decode: () => 0 })
    await close()
  })
})
