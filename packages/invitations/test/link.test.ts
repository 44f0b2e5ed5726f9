import { inspect } from 'node:util'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, concatBytes } from '@noble/hashes/utils.js'
import { PublicKey, Redacted } from '@vestibule/keys'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InvitationError, type InvitationErrorCode } from '../src/errors.ts'
import {
  encodeInvitation,
  InvitationLink,
  linkToUrl,
  MAX_LINK_TEXT,
  parseInvitation,
} from '../src/link/link.ts'
import { commitment, deriveLinkKeys, guestKeyHash } from '../src/link/link-keys.ts'
import type { LinkFields, LinkGuest } from '../src/link/link-layout.ts'

const bytes = (length: number, from = 0): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (from + i) & 0xff)
const PEER = '12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA'
const RELAY = `/dns4/${'relay'.padEnd(24, 'y')}.example/tcp/443/wss/p2p/${PEER}`

const fields: LinkFields = {
  kind: 'SPACE',
  type: 'INTERACTIVE',
  authMethod: 'SHARED_SECRET',
  multiUse: false,
  secret: new Redacted(bytes(16)),
  hostKey: PublicKey.from(bytes(32, 0x20)),
  commitment: bytes(16, 0x40),
  expiresAtMs: 1_800_000_000_000,
  relays: [RELAY],
  hosts: [],
}
const plain = (link: LinkFields): unknown => ({
  ...link,
  secret: link.secret.unwrap(),
  ...(link.guest?.type === 'SEED' && { guest: link.guest.seed.unwrap() }),
})
const withChecksum = (body: Uint8Array): Uint8Array => concatBytes(body, sha256(body).slice(0, 4))
const codeOf = (text: string): InvitationErrorCode | 'parsed' => {
  try {
    parseInvitation(text)
    return 'parsed'
  } catch (error) {
    if (error instanceof InvitationError) return error.code
    throw error
  }
}

describe('links', () => {
  test('a link encodes and decodes', () => {
    const link = InvitationLink.create({
      ...fields,
      hosts: [`/ip4/192.0.2.7/tcp/4001/ws/p2p/${PEER}`],
      target: '/notes/7',
    })
    const parsed = parseInvitation(encodeInvitation(link))
    expect(plain(parsed)).toEqual(plain(link))
    expect(parsed.toBytes()).toEqual(link.toBytes())
    expect(parsed.hash()).toEqual(link.hash())
  })

  test('a link with one relay, whose host name has 32 characters, is at most 260 characters long', () => {
    expect(RELAY.split('/')[2]).toHaveLength(32)
    const text = encodeInvitation(InvitationLink.create(fields))
    expect(text.length).toBeLessThanOrEqual(260)
    const known = {
      ...fields,
      authMethod: 'KNOWN_PUBLIC_KEY',
      guest: { type: 'KEY_HASH', hash: guestKeyHash(bytes(32)) },
    } as const
    expect(encodeInvitation(InvitationLink.create(known)).length).toBeLessThanOrEqual(260)
  })

  test('the bytes of a released link stay readable for ever', () => {
    const golden =
      'vestAQQAAQIDBAUGBwgJCgsMDQ4PICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj9AQUJDREVGR0hJSktMTU5Pa0nSAAEAUDYgcmVsYXl5eXl5eXl5eXl5eXl5eXl5eXl5LmV4YW1wbGUGAbveA6UDJgAkCAESIC_6NamdOjz7sXu3wdxVYbGKjcyk3zjcYT6oWcN-sTNrAAC9cUBK'
    expect(encodeInvitation(InvitationLink.create(fields))).toBe(golden)
    expect(plain(parseInvitation(golden))).toEqual(plain(InvitationLink.create(fields)))
  })

  test('a guest key is encoded where the method is a known public key, as a hash or as the seed of a pair', () => {
    const guests: readonly LinkGuest[] = [
      { type: 'KEY_HASH', hash: guestKeyHash(bytes(32, 0x60)) },
      { type: 'SEED', seed: new Redacted(bytes(32, 0x80)) },
    ]
    for (const guest of guests) {
      const link = InvitationLink.create({ ...fields, authMethod: 'KNOWN_PUBLIC_KEY', guest })
      const parsed = parseInvitation(encodeInvitation(link))
      expect(plain(parsed)).toEqual(plain(link))
      expect(parsed.guest).toEqual(guest)
      expect(parsed.hash()).toEqual(link.hash())
      expect(() => InvitationLink.create({ ...fields, guest })).toThrow(TypeError)
    }
  })

  test('it is found bare, in the fragment of a URL, and with white space around it', () => {
    const link = InvitationLink.create(fields)
    const text = encodeInvitation(link)
    const url = linkToUrl(link, 'https://notes.example/join?lang=en')
    expect(url).toBe(`https://notes.example/join?lang=en#${text}`)
    for (const form of [text, url, ` \n${text}\t`, `\u00a0${url}\r\n`])
      expect(encodeInvitation(parseInvitation(form))).toBe(text)
  })

  test('a link outside of the fragment is not accepted, since a server would have logged it', () => {
    const text = encodeInvitation(InvitationLink.create(fields))
    expect(codeOf(`https://notes.example/join?invitation=${text}`)).toBe('LINK_FOREIGN')
    expect(codeOf(`https://notes.example/${text}`)).toBe('LINK_FOREIGN')
    expect(() => linkToUrl(InvitationLink.create(fields), 'https://notes.example/#here')).toThrow(TypeError)
  })

  test('cut anywhere after its first word, a link is malformed', () => {
    const text = encodeInvitation(InvitationLink.create(fields))
    for (let end = 4; end < text.length; end++) expect(codeOf(text.slice(0, end))).toBe('LINK_MALFORMED')
    for (let end = 0; end < 4; end++) expect(codeOf(text.slice(0, end))).toBe('LINK_FOREIGN')
  })

  test('with any one character mistyped, a link is malformed', () => {
    const text = encodeInvitation(InvitationLink.create(fields))
    for (let at = 4; at < text.length; at++) {
      const other = text[at] === 'A' ? 'B' : 'A'
      expect(codeOf(text.slice(0, at) + other + text.slice(at + 1)), `character ${at}`).toBe('LINK_MALFORMED')
    }
  })

  test('other texts are not ours, and texts over 4 KiB are not looked at', () => {
    for (const text of [
      '',
      ' ',
      'hello',
      'https://example.org/',
      'https://example.org/#',
      'mailto:x@example.org',
    ])
      expect(codeOf(text)).toBe('LINK_FOREIGN')
    expect(codeOf('vest'.padEnd(MAX_LINK_TEXT + 1, 'A'))).toBe('LINK_TOO_LONG')
    expect(codeOf('vest'.padEnd(MAX_LINK_TEXT, 'A'))).toBe('LINK_MALFORMED')
  })

  test('a link of a newer version is told apart from a damaged one', () => {
    const newer = Uint8Array.of(0xbd, 0xeb, 0x2d, 2, 0, 1, 2, 3)
    const text = (link: Uint8Array): string => Buffer.from(link).toString('base64url')
    expect(codeOf(text(withChecksum(newer)))).toBe('LINK_VERSION')
    expect(codeOf(text(concatBytes(newer, Uint8Array.of(1, 2, 3, 4))))).toBe('LINK_MALFORMED')
  })

  test('printing a link shows neither its text nor its secret', () => {
    const link = InvitationLink.create(fields)
    for (const printed of [
      `${link}`,
      JSON.stringify({ link }),
      inspect(link, { depth: 9, showHidden: true }),
    ]) {
      expect(printed).not.toContain(encodeInvitation(link).slice(8, 30))
      expect(printed).not.toMatch(/1, *2, *3, *4, *5|000102030405/)
    }
  })

  test('a carried seed is not covered by the hash of the link', () => {
    const seeded = (seed: Uint8Array): InvitationLink =>
      InvitationLink.create({
        ...fields,
        authMethod: 'KNOWN_PUBLIC_KEY',
        guest: { type: 'SEED', seed: new Redacted(seed) },
      })
    expect(seeded(bytes(32)).hash()).toEqual(seeded(bytes(32, 9)).hash())
    const link = InvitationLink.create(fields)
    const other = InvitationLink.create({ ...fields, multiUse: true })
    expect(link.hash()).not.toEqual(other.hash())
  })

  test('fields that do not fit are the mistake of the caller', () => {
    const wrong: readonly Partial<LinkFields>[] = [
      { secret: new Redacted(bytes(15)) },
      { commitment: bytes(17) },
      { expiresAtMs: 0 },
      { expiresAtMs: 2 ** 32 * 1000 },
      { expiresAtMs: Number.NaN },
      { relays: Array.from({ length: 17 }, () => RELAY) },
      { target: 'é'.repeat(513) },
      { authMethod: 'KNOWN_PUBLIC_KEY' },
      { guest: { type: 'KEY_HASH', hash: bytes(16) } },
    ]
    for (const change of wrong)
      expect(() => InvitationLink.create({ ...fields, ...change })).toThrow(TypeError)
    expect(() => InvitationLink.create({ ...fields, relays: ['relay.example:443'] })).toThrow(TypeError)
  })

  test('any text gives an InvitationError, or a link that encodes to the same text', () => {
    const golden = encodeInvitation(InvitationLink.create({ ...fields, target: 'x' }))
    const damaged = fc
      .tuple(fc.nat(golden.length), fc.nat(8), fc.string({ maxLength: 8 }))
      .map(([at, drop, insert]) => golden.slice(0, at) + insert + golden.slice(at + drop))
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ maxLength: 5000 }),
          damaged,
          fc.base64String().map((s) => `vest${s}`),
        ),
        (text) => {
          if (codeOf(text) !== 'parsed') return
          const trimmed = text.trim()
          const token = trimmed.slice(trimmed.indexOf('#') + 1)
          expect(encodeInvitation(parseInvitation(text))).toBe(token)
        },
      ),
      { numRuns: 2000 },
    )
  })
})

describe('what follows from the link secret', () => {
  const keys = deriveLinkKeys(fields.secret)

  test('id, topic and keys are the same for ever', () => {
    const secrets = [keys.macKey, keys.commitmentKey, keys.psk].map((key) => key.unwrap())
    expect([keys.invitationId, keys.topic, ...secrets].map(bytesToHex)).toMatchInlineSnapshot(`
      [
        "1c694f6f7559ffd21011aa17d15801ee",
        "6aa154d50fe36cc583ae8846f9de6e9cdfe68b3a0269c76685be58964f3308d1",
        "67e831cdc243671ad8a419a7cc49e80927086b220c1fdf3ef9ce9b72e8c5c3df",
        "f3b08b8f2bf68a84bd14faff9ababce499c24771b9b7a4a22cf5da629f7d525a",
        "87cec43f01513107420aa57354cd2512979e60269595c1653b14229a39fa422b",
      ]
    `)
  })

  test('two secrets share nothing', () => {
    const other = deriveLinkKeys(new Redacted(bytes(16, 1)))
    expect(other.invitationId).not.toEqual(keys.invitationId)
    expect(other.topic).not.toEqual(keys.topic)
    expect(other.psk.unwrap()).not.toEqual(keys.psk.unwrap())
  })

  test('a commitment names one space, and one kind', () => {
    const id = bytes(32)
    expect(commitment(keys, 'SPACE', id)).toHaveLength(16)
    expect(commitment(keys, 'SPACE', id)).toEqual(commitment(keys, 'SPACE', id))
    expect(commitment(keys, 'SPACE', id)).not.toEqual(commitment(keys, 'DEVICE', id))
    expect(commitment(keys, 'SPACE', id)).not.toEqual(commitment(keys, 'SPACE', bytes(32, 1)))
    expect(() => commitment(keys, 'SPACE', bytes(31))).toThrow(TypeError)
  })

  test('a link secret of another length is refused', () => {
    expect(() => deriveLinkKeys(new Redacted(bytes(15)))).toThrow(TypeError)
  })
})
