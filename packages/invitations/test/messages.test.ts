import { PublicKey } from '@vestibule/keys'
import { describe, expect, test } from 'vitest'
import { InvitationError } from '../src/errors.ts'
import {
  answerCodec,
  encodeGuestMessage,
  encodeHostMessage,
  type GuestMessage,
  type HostMessage,
  MAX_LARGE_FRAME_BYTES,
  MAX_PREVIEW_BYTES,
  MAX_SMALL_FRAME_BYTES,
  parseGuestMessage,
  parseHostMessage,
  previewCodec,
  REFUSAL_CODES,
  requestCodec,
} from '../src/protocol/messages.ts'
import { type KnownGuest, proofChecks, proofTasks } from '../src/protocol/proofs.ts'
import { fill, hello, request } from './samples.ts'

const guestMessages: readonly GuestMessage[] = [
  hello,
  { type: 'share', attempt: 3, share: fill(32) },
  { type: 'proof', tag: fill(64), sealed: fill(3000) },
]
const hostMessages: readonly HostMessage[] = [
  { type: 'offer', nonce: fill(32), preview: fill(256), signature: fill(64) },
  { type: 'share', share: fill(32) },
  { type: 'waiting' },
  { type: 'admitted', tag: fill(64), signature: fill(64), sealed: fill(200_000) },
  ...REFUSAL_CODES.map((code): HostMessage => ({ type: 'refused', code })),
  { type: 'refused', code: 'BUSY', retryAfterMs: 2000, signature: fill(64) },
  { type: 'refused', code: 'WRONG_CODE', attemptsLeft: 0 },
]
describe('messages', () => {
  test('every message comes back from its frame', () => {
    for (const message of guestMessages)
      expect(parseGuestMessage(encodeGuestMessage(message))).toEqual(message)
    for (const message of hostMessages) expect(parseHostMessage(encodeHostMessage(message))).toEqual(message)
  })

  test('messages 1 to 4 and refusals fit into a small frame, the largest sealed ones into a large frame', () => {
    const small = [guestMessages[0], guestMessages[1]].map((m) => encodeGuestMessage(m ?? hello))
    const smallToo = hostMessages.filter((m) => m.type !== 'admitted').map(encodeHostMessage)
    for (const frame of [...small, ...smallToo])
      expect(frame.length).toBeLessThanOrEqual(MAX_SMALL_FRAME_BYTES)
    const sealed = fill(MAX_LARGE_FRAME_BYTES - 256)
    const large = encodeHostMessage({ type: 'admitted', tag: fill(64), signature: fill(64), sealed })
    expect(large.length).toBeLessThanOrEqual(MAX_LARGE_FRAME_BYTES)
    expect(() => parseHostMessage(large)).not.toThrow()
  })

  test('a frame with no message, two messages or padding beyond its bound is refused', () => {
    const two = Uint8Array.of(
      ...encodeGuestMessage(hello),
      ...encodeGuestMessage({ type: 'share', attempt: 1, share: fill(32) }),
    )
    // Field 1000, unknown, 2,000 bytes long.
    const padded = Uint8Array.of(...encodeGuestMessage(hello), 0xc2, 0x3e, 0xd0, 0x0f, ...fill(2000))
    for (const frame of [new Uint8Array(0), two, padded, fill(40, 0xff)])
      expect(() => parseGuestMessage(frame)).toThrow(InvitationError)
  })

  test('fields of another length are refused', () => {
    for (const frame of [
      encodeGuestMessage(hello).slice(0, -1),
      Uint8Array.of(26, 4, 8, 1, 18, 0), // a share without its bytes
    ])
      expect(() => parseGuestMessage(frame)).toThrow(InvitationError)
    expect(() => encodeGuestMessage({ ...hello, nonce: fill(31) } as GuestMessage)).toThrow()
  })

  test('a field that a later version adds is passed over', () => {
    const later = Uint8Array.of(...encodeHostMessage({ type: 'waiting' }), 0xc0, 0x3e, 1)
    expect(parseHostMessage(later)).toEqual({ type: 'waiting' })
  })

  test('the longest preview is within its bound', () => {
    const preview = { spaceName: 's'.repeat(64), inviterName: 'i'.repeat(64), role: 'EDITOR' } as const
    const encoded = previewCodec.encode(preview)
    expect(encoded.length).toBeLessThanOrEqual(MAX_PREVIEW_BYTES)
    expect(previewCodec.parse(encoded)).toEqual(preview)
    expect(() => previewCodec.encode({ ...preview, spaceName: 's'.repeat(65) })).toThrow()
  })

  test('requests and answers come back', () => {
    expect(requestCodec.parse(requestCodec.encode(request))).toEqual(request)
    expect(answerCodec.parse(answerCodec.encode({ admission: fill(50) }))).toEqual({ admission: fill(50) })
  })
})

describe('proofs of possession', () => {
  const th2 = fill(64)
  const encoded = requestCodec.encode(request)
  const proven = { request: encoded, device: fill(64, 2), controlFeed: fill(64, 4), dataFeed: fill(64, 5) }

  test('each of the keys signs a statement of its own', () => {
    const tasks = proofTasks(request, encoded, th2, true)
    expect(tasks.map((task) => task.which)).toEqual(['DEVICE', 'CONTROL_FEED', 'DATA_FEED', 'IDENTITY'])
    expect(new Set(tasks.map((task) => task.statement.join())).size).toBe(4)
    expect(
      new Set([...proofTasks(request, encoded, fill(64, 8), true), ...tasks].map((t) => t.statement.join()))
        .size,
    ).toBe(8)
  })

  test('the host checks what the guest signed', () => {
    const checks = proofChecks({ ...proven, identity: fill(64, 1) }, request, th2)
    expect(checks?.map(({ signature: _, ...task }) => task)).toEqual(proofTasks(request, encoded, th2, true))
    expect(checks?.map((check) => check.signature[0])).toEqual([2, 4, 5, 1])
  })

  test('without the identity’s signature there has to be a chain', () => {
    expect(proofChecks(proven, request, th2)).toHaveLength(3)
    expect(proofChecks(proven, { ...request, chain: [] }, th2)).toBeUndefined()
  })

  test('where one guest is meant its key signs too, or the device that has its chain; or the key that the link carries', () => {
    const identity = { type: 'KEY_HASH', key: PublicKey.from(request.identity) } as const
    const carried = { type: 'SEED', key: PublicKey.from(fill(32, 9)) } as const
    const keyOf = (holds: boolean, known: KnownGuest) =>
      proofTasks(request, encoded, th2, holds, known).find(({ which }) => which === 'KNOWN_KEY')?.key
    expect(keyOf(true, identity)).toEqual(request.identity)
    expect(keyOf(false, identity)).toEqual(request.device)
    expect(keyOf(true, carried)).toEqual(fill(32, 9))
    expect(proofChecks(proven, request, th2, identity)).toBeUndefined()
    expect(proofChecks({ ...proven, knownKey: fill(64, 3) }, request, th2, identity)).toHaveLength(4)
    const same = { ...carried, key: PublicKey.from(request.device) }
    expect(proofChecks({ ...proven, knownKey: fill(64, 3) }, request, th2, same)).toBeUndefined()
  })

  test('one key in two places is refused', () => {
    const names = ['identity', 'device', 'agreementKey', 'controlFeed', 'dataFeed'] as const
    for (const a of names)
      for (const b of names)
        if (a !== b)
          expect(proofChecks(proven, { ...request, [a]: request[b] }, th2), `${a} ${b}`).toBeUndefined()
  })
})
