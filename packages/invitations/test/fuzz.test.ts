import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { PublicKey, Redacted } from '@vestibule/keys'
import { decoderSuite } from '@vestibule/keys/fuzzing'
import { InvitationError } from '../src/errors.ts'
import { normaliseCode } from '../src/link/codes.ts'
import { encodeInvitation, InvitationLink, linkToUrl, parseInvitation } from '../src/link/link.ts'
import { isValidShare } from '../src/protocol/cpace.ts'
import {
  answerCodec,
  deviceRequestCodec,
  encodeGuestMessage,
  encodeHostMessage,
  parseGuestMessage,
  parseHostMessage,
  previewCodec,
  provenDeviceRequestCodec,
  provenRequestCodec,
  REFUSAL_CODES,
  requestCodec,
} from '../src/protocol/messages.ts'
import {
  encodeStoredAcceptance,
  encodeStoredDeviceAcceptance,
  encodeStoredInvitation,
  parseStoredAcceptance,
  parseStoredDeviceAcceptance,
  parseStoredInvitation,
} from '../src/records.ts'
import { fill, hello, request } from './samples.ts'

const is =
  (...codes: string[]) =>
  (error: unknown): boolean =>
    error instanceof InvitationError && codes.includes(error.code)
const text = (input: Uint8Array): string => new TextDecoder().decode(input)

const fields = {
  kind: 'SPACE',
  type: 'INTERACTIVE',
  authMethod: 'SHARED_SECRET',
  multiUse: false,
  secret: new Redacted(fill(16)),
  hostKey: PublicKey.from(fill(32)),
  commitment: fill(16),
  expiresAtMs: 1_800_000_000_000,
  relays: ['/dns4/relay.example/tcp/443/wss'],
  hosts: ['/ip4/192.0.2.7/tcp/4001'],
  target: 'recipes/ä',
} as const
const links = [
  InvitationLink.create(fields),
  InvitationLink.create({
    ...fields,
    relays: [],
    target: '',
    authMethod: 'KNOWN_PUBLIC_KEY',
    guest: { type: 'SEED', seed: new Redacted(fill(32)) },
  }),
]
decoderSuite('the text of a link', () => ({
  decode: (input) => parseInvitation(text(input)),
  samples: [
    ...links.map(encodeInvitation),
    ...links.map((link) => linkToUrl(link, 'https://a.example/b')),
  ].map(utf8ToBytes),
  isRefusal: is('LINK_TOO_LONG', 'LINK_FOREIGN', 'LINK_MALFORMED', 'LINK_VERSION'),
}))
decoderSuite('a link with its checksum', () => ({
  decode: (input) => InvitationLink.fromBytes(input),
  encode: (link) => link.toBytes(),
  samples: links.map((link) => link.toBytes()),
  isRefusal: is('LINK_FOREIGN', 'LINK_MALFORMED', 'LINK_VERSION'),
  mend: (input) => {
    const body = input.subarray(0, -4)
    return concatBytes(body, sha256(body).subarray(0, 4))
  },
}))
decoderSuite('a code as it was typed', () => ({
  decode: (input) => normaliseCode(text(input)),
  samples: ['493 027', '４９３-０２７'].map(utf8ToBytes),
  isRefusal: () => false,
}))
decoderSuite('a share of the key exchange', () => ({
  decode: isValidShare,
  samples: [fill(32, 0)],
  isRefusal: () => false,
}))

const isViolation = is('PROTOCOL_VIOLATION')
decoderSuite('a message of a guest', () => ({
  decode: parseGuestMessage,
  samples: [
    encodeGuestMessage(hello),
    encodeGuestMessage({ type: 'share', attempt: 3, share: fill(32) }),
    encodeGuestMessage({ type: 'proof', tag: fill(64), sealed: fill(300) }),
  ],
  isRefusal: isViolation,
}))
decoderSuite('a message of a host', () => ({
  decode: parseHostMessage,
  samples: [
    encodeHostMessage({ type: 'offer', nonce: fill(32), preview: fill(256), signature: fill(64) }),
    encodeHostMessage({ type: 'share', share: fill(32) }),
    encodeHostMessage({ type: 'waiting' }),
    encodeHostMessage({ type: 'admitted', tag: fill(64), signature: fill(64), sealed: fill(300) }),
    ...REFUSAL_CODES.map((code) =>
      encodeHostMessage({ type: 'refused', code, attemptsLeft: 0, retryAfterMs: 9, signature: fill(64) }),
    ),
  ],
  isRefusal: isViolation,
}))

const encoded = requestCodec.encode(request)
const proven = { request: encoded, device: fill(64), controlFeed: fill(64), dataFeed: fill(64) }
const ofDevice = { device: fill(32), agreementKey: fill(32, 8), label: 'phone' }
for (const [name, codec, sample] of [
  [
    'a preview',
    previewCodec,
    previewCodec.encode({ spaceName: 'Kitchen', inviterName: 'Ada', role: 'EDITOR' }),
  ],
  ['a request', requestCodec, encoded],
  [
    'a request with its proofs',
    provenRequestCodec,
    provenRequestCodec.encode({ ...proven, identity: fill(64) }),
  ],
  ['a request of a device', deviceRequestCodec, deviceRequestCodec.encode(ofDevice)],
  [
    'a request of a device with its proof',
    provenDeviceRequestCodec,
    provenDeviceRequestCodec.encode({ request: deviceRequestCodec.encode(ofDevice), device: fill(64) }),
  ],
  ['an answer', answerCodec, answerCodec.encode({ admission: fill(300) })],
] as const)
  decoderSuite(name, () => ({
    decode: (input): unknown => codec.parse(input),
    samples: [sample],
    isRefusal: isViolation,
  }))

const [link] = links
const isDamaged = is('STORAGE_FAILED')
decoderSuite('the record of an invitation', () => ({
  decode: parseStoredInvitation,
  encode: encodeStoredInvitation,
  samples: [
    encodeStoredInvitation({
      link: link ?? InvitationLink.create(fields),
      code: new Redacted('493027'),
      target: {
        spaceKey: PublicKey.from(fill(32)),
        role: 'EDITOR',
        history: 'none',
        madeAfter: ['ab'.repeat(32)],
      },
      createdAtMs: 1_700_000_000_000,
      persistent: true,
      approve: false,
      timeoutMs: 300_000,
      progress: { life: 'OPEN', charged: 1, allowed: 10, admissions: 0 },
    }),
  ],
  isRefusal: isDamaged,
}))
decoderSuite('the record of an acceptance by a device', () => {
  const keys = { deviceKey: PublicKey.from(fill(32)), agreementKey: fill(32, 8) }
  return {
    decode: parseStoredDeviceAcceptance,
    encode: encodeStoredDeviceAcceptance,
    samples: [encodeStoredDeviceAcceptance({ link: link ?? InvitationLink.create(fields), ...keys })],
    isRefusal: isDamaged,
  }
})
decoderSuite('the record of an acceptance', () => {
  const keys = { controlFeedKey: PublicKey.from(fill(32)), dataFeedKey: PublicKey.from(fill(32, 8)) }
  return {
    decode: parseStoredAcceptance,
    encode: encodeStoredAcceptance,
    samples: [encodeStoredAcceptance({ link: link ?? InvitationLink.create(fields), ...keys })],
    isRefusal: isDamaged,
  }
})
