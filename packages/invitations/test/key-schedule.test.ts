import { readFileSync } from 'node:fs'
import { hexToBytes } from '@noble/hashes/utils.js'
import { Redacted } from '@vestibule/keys'
import { describe, expect, test } from 'vitest'
import {
  beginAgreement,
  completeAgreement,
  confirmationTag,
  helloMac,
  isAcceptableShare,
  open,
  type SessionKeys,
  seal,
  tagMatches,
} from '../src/protocol/key-schedule.ts'
import { transcript0, transcript1 } from '../src/protocol/transcript.ts'
import { keyScheduleVector, type VectorInputs } from './key-schedule-vector.ts'

const file: readonly { name: string; inputs: VectorInputs; outputs: Record<string, string> }[] = JSON.parse(
  readFileSync(new URL('./vectors/key-schedule/inv1.json', import.meta.url), 'utf8'),
)
const random = (from: number): Uint8Array => Uint8Array.from({ length: 64 }, (_, i) => (from + i * 7) & 0xff)
const th0 = transcript0({
  linkHash: new Uint8Array(64),
  invitationId: new Uint8Array(16),
  guestPeer: 'guest',
  hostPeer: 'host',
})
const th1 = transcript1(th0, new Uint8Array(32), new Uint8Array(32), new Uint8Array(3))
const psk = new Redacted(new Uint8Array(32).fill(9))
interface End {
  readonly code?: string
  readonly psk?: Redacted<Uint8Array>
  readonly attempt?: number
  readonly th0?: Uint8Array
  readonly th1?: Uint8Array
}
const run = (guest: End, host: End): [SessionKeys, SessionKeys] => {
  const begin = ({ code, ...rest }: End, from: number) =>
    beginAgreement({
      psk,
      th0,
      th1,
      attempt: 1,
      ...rest,
      random: random(from),
      ...(code !== undefined && { code: new Redacted(code) }),
    })
  const [a, b] = [begin(guest, 1), begin(host, 2)]
  const guestKeys = completeAgreement(a, 'guest', b.share)
  const hostKeys = completeAgreement(b, 'host', a.share)
  if (guestKeys === undefined || hostKeys === undefined) throw new Error('an honest share was refused')
  return [guestKeys, hostKeys]
}

describe('the key schedule', () => {
  for (const { name, inputs, outputs } of file)
    test(`${name}: every value is the one that was released`, () => {
      expect(keyScheduleVector(inputs)).toEqual(outputs)
    })

  test('with the same code both ends have the same keys, and each believes the other', () => {
    for (const end of [{ code: '493027' }, {}]) {
      const [guest, host] = run(end, end)
      expect(tagMatches(host, 'guest', confirmationTag(guest, 'guest'))).toBe(true)
      expect(tagMatches(guest, 'host', confirmationTag(host, 'host'))).toBe(true)
      expect(tagMatches(host, 'guest', confirmationTag(guest, 'host'))).toBe(false)
    }
  })

  test('whatever differs between the ends, the tags differ', () => {
    const differences: readonly (readonly [End, End])[] = [
      [{ code: '493027' }, { code: '493028' }],
      [{ code: '493027' }, { code: '493027', psk: new Redacted(new Uint8Array(32)) }],
      [{ code: '493027' }, { code: '493027', attempt: 2 }],
      [{ code: '493027' }, { code: '493027', th0: new Uint8Array(8) }],
      [{ code: '493027' }, { code: '493027', th1: new Uint8Array(64) }],
      [{}, { psk: new Redacted(new Uint8Array(32)) }],
      [{}, { attempt: 2 }],
      [{}, { th1: new Uint8Array(64) }],
    ]
    for (const [a, b] of differences) {
      const [guest, host] = run(a, b)
      expect(tagMatches(host, 'guest', confirmationTag(guest, 'guest'))).toBe(false)
      expect(open(host, 'guest', seal(guest, 'guest', new Uint8Array(5)))).toBeUndefined()
    }
  })

  test('what one end seals the other opens, and nobody opens what was changed, cut or meant for the other message', () => {
    const [guest, host] = run({ code: '1' }, { code: '1' })
    const text = Uint8Array.of(1, 2, 3)
    const sealed = seal(guest, 'guest', text)
    expect(open(host, 'guest', sealed)).toEqual(text)
    expect(open(host, 'host', sealed)).toBeUndefined()
    expect(open(host, 'guest', sealed.slice(1))).toBeUndefined()
    expect(open(host, 'guest', new Uint8Array(0))).toBeUndefined()
    for (let i = 0; i < sealed.length; i++) {
      const changed = sealed.slice()
      changed[i] = (changed[i] ?? 0) ^ 1
      expect(open(host, 'guest', changed)).toBeUndefined()
    }
  })

  test('a share that is zero, of small order, not canonical or the identity ends the exchange', () => {
    const own = (code?: string) =>
      beginAgreement({
        psk,
        th0,
        th1,
        attempt: 1,
        random: random(1),
        ...(code !== undefined && { code: new Redacted(code) }),
      })
    const cpace = JSON.parse(
      readFileSync(new URL('./vectors/cpace/testvectors.json', import.meta.url), 'utf8'),
    )
    const point = (text: string): Uint8Array => hexToBytes(text.toLowerCase())
    for (const name of ['Invalid Y1', 'Invalid Y2'])
      expect(completeAgreement(own('1'), 'host', point(cpace.G_Coffee25519_points[name]))).toBeUndefined()
    // The points for which the draft demands an abort: X25519 gives the all-zero secret.
    for (const i of [0, 1, 2, 3, 4, 5, 7])
      expect(
        completeAgreement(own(), 'host', point(cpace.X25519_points[`Invalid Y${i}`])),
        `${i}`,
      ).toBeUndefined()
    expect(isAcceptableShare(new Uint8Array(31).fill(1), false)).toBe(false)
  })

  test('the MAC of message 1 depends on everything that it is over', () => {
    const key = new Redacted(new Uint8Array(32))
    const nonce = new Uint8Array(32)
    const mac = helloMac(key, th0, nonce, false)
    expect(mac).toHaveLength(64)
    for (const other of [
      helloMac(key, th0, nonce, true),
      helloMac(key, th0, new Uint8Array(32).fill(1), false),
      helloMac(key, th1, nonce, false),
      helloMac(new Redacted(new Uint8Array(32).fill(1)), th0, nonce, false),
    ])
      expect(other).not.toEqual(mac)
  })

  test('too few random bytes are the mistake of the caller', () => {
    expect(() => beginAgreement({ psk, th0, th1, attempt: 1, random: new Uint8Array(32) })).toThrow(TypeError)
  })
})
