import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { PeerRecord, RecordEnvelope } from '@libp2p/peer-record'
import { multiaddr } from '@multiformats/multiaddr'
import { equalBytes } from '@vestibule/keys'
import { NetworkError } from '../errors.ts'

/** What a signed peer record says, once its signature was found to be its peer's. */
export interface VerifiedPeerRecord {
  readonly peer: string
  readonly addresses: readonly string[]
  /** Grows with every record of a peer. */
  readonly seq: bigint
}

/** Seals the addresses of the key's own peer. */
export async function signPeerRecord(
  privateKey: PrivateKey,
  addresses: readonly string[],
  seq: bigint,
): Promise<Uint8Array> {
  const record = new PeerRecord({
    peerId: peerIdFromPublicKey(privateKey.publicKey),
    multiaddrs: addresses.map((address) => multiaddr(address)),
    seqNumber: seq,
  })
  return (await RecordEnvelope.seal(record, privateKey)).marshal()
}

/**
 * Opens a signed peer record: right domain and type, valid signature, signed by the peer it speaks of.
 * @throws NetworkError `MALFORMED`, whatever is wrong with it
 * @see libp2p specifications, RFC 0002 "Signed Envelopes" and RFC 0003 "Routing Records"
 */
export async function verifyPeerRecord(envelopeBytes: Uint8Array): Promise<VerifiedPeerRecord> {
  try {
    const envelope = await RecordEnvelope.openAndCertify(envelopeBytes, PeerRecord.DOMAIN)
    if (!equalBytes(envelope.payloadType, PeerRecord.CODEC)) throw new TypeError('not a peer record')
    const record = PeerRecord.createFromProtobuf(envelope.payload)
    if (!record.peerId.equals(peerIdFromPublicKey(envelope.publicKey)))
      throw new TypeError('a peer record signed by another peer')
    return {
      peer: record.peerId.toString(),
      addresses: record.multiaddrs.map((address) => address.toString()),
      seq: record.seqNumber,
    }
  } catch (cause) {
    throw new NetworkError('MALFORMED', 'not a valid signed peer record', { cause })
  }
}
