import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { Keyring, PublicKey, Redacted } from '@vestibule/keys'
import { encodeInvitation, InvitationLink } from '../../src/link/link.ts'
import { carriedKey } from '../../src/link/link-guest.ts'
import { guestKeyHash } from '../../src/link/link-keys.ts'
import type { LinkGuest } from '../../src/link/link-layout.ts'
import { proofStatement } from '../../src/protocol/transcript.ts'

/** What a link for a known guest is made of, in hex, and what follows from it. */
export interface KnownGuestVector {
  readonly what: string
  readonly secret: string
  readonly hostKey: string
  readonly commitment: string
  readonly expires: number
  /** Seed of the guest's identity key, or of the key pair that the link carries. */
  readonly seed: string
  readonly link: string
  readonly invHash: string
  readonly th2: string
  readonly request: string
  /** The known key's signature in message 5. */
  readonly proof: string
}

const fill = (length: number, from: number): string =>
  bytesToHex(Uint8Array.from({ length }, (_, i) => (from + i) & 0xff))

async function vectorOf(
  type: LinkGuest['type'],
  what: string,
  seed: string,
  at: number,
): Promise<KnownGuestVector> {
  const { key, signer } = await carriedKey(new Redacted(hexToBytes(seed)))
  const given = {
    secret: fill(16, at),
    hostKey: String((await new Keyring().importKey(hexToBytes(fill(32, at + 1)))).toHex()),
    commitment: fill(16, at + 2),
    expires: Date.UTC(2035, 0, 1) / 1000,
  }
  const link = InvitationLink.create({
    kind: 'SPACE',
    type: 'INTERACTIVE',
    authMethod: 'KNOWN_PUBLIC_KEY',
    multiUse: false,
    secret: new Redacted(hexToBytes(given.secret)),
    hostKey: PublicKey.fromHex(given.hostKey),
    commitment: hexToBytes(given.commitment),
    expiresAtMs: given.expires * 1000,
    guest:
      type === 'SEED'
        ? { type, seed: new Redacted(hexToBytes(seed)) }
        : { type, hash: guestKeyHash(key.toBytes()) },
    relays: ['/dns4/relay.example.org/tcp/443/wss'],
    hosts: [],
    target: '/notes/7',
  })
  const [th2, request] = [fill(64, at + 3), fill(100, at + 4)]
  const statement = proofStatement('KNOWN_KEY', hexToBytes(th2), hexToBytes(request))
  return {
    what,
    ...given,
    seed,
    link: encodeInvitation(link),
    invHash: bytesToHex(link.hash()),
    th2,
    request,
    proof: bytesToHex(await signer.sign(key, statement)),
  }
}

/** The published vectors; everything in them follows from what they name. */
export const knownGuests = async (): Promise<readonly KnownGuestVector[]> => [
  await vectorOf('KEY_HASH', 'hash of an identity key', fill(32, 10), 20),
  await vectorOf('SEED', 'seed of a key pair that the link carries', fill(32, 30), 40),
]
