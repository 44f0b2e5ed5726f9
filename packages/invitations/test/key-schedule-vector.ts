import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { Redacted } from '@vestibule/keys'
import {
  beginAgreement,
  completeAgreement,
  confirmationTag,
  helloMac,
  seal,
} from '../src/protocol/key-schedule.ts'
import {
  admitStatement,
  offerStatement,
  proofStatement,
  refusalStatement,
  transcript0,
  transcript1,
} from '../src/protocol/transcript.ts'

/** Inputs of one vector, byte strings in hex. */
export interface VectorInputs {
  readonly linkHash: string
  readonly invitationId: string
  readonly guestPeer: string
  readonly hostPeer: string
  readonly macKey: string
  readonly psk: string
  readonly guestNonce: string
  readonly hostNonce: string
  readonly preview: string
  readonly attempt: number
  readonly code?: string
  readonly guestRandom: string
  readonly hostRandom: string
  readonly request: string
  readonly answer: string
}

/** Every value that the exchange derives from the inputs, in hex. */
export function keyScheduleVector(v: VectorInputs): Record<string, string> {
  const th0 = transcript0({
    linkHash: hexToBytes(v.linkHash),
    invitationId: hexToBytes(v.invitationId),
    guestPeer: v.guestPeer,
    hostPeer: v.hostPeer,
  })
  const nG = hexToBytes(v.guestNonce)
  const th1 = transcript1(th0, nG, hexToBytes(v.hostNonce), hexToBytes(v.preview))
  const common = {
    psk: new Redacted(hexToBytes(v.psk)),
    th0,
    th1,
    attempt: v.attempt,
    ...(v.code !== undefined && { code: new Redacted(v.code) }),
  }
  const guest = beginAgreement({ ...common, random: hexToBytes(v.guestRandom) })
  const host = beginAgreement({ ...common, random: hexToBytes(v.hostRandom) })
  const keys = completeAgreement(guest, 'guest', host.share)
  const hostKeys = completeAgreement(host, 'host', guest.share)
  if (keys === undefined || hostKeys === undefined) throw new Error('an honest share was refused')
  const request = hexToBytes(v.request)
  const answer = hexToBytes(v.answer)
  const values: Record<string, Uint8Array> = {
    th0,
    helloMac: helloMac(new Redacted(hexToBytes(v.macKey)), th0, nG, false),
    helloMacResume: helloMac(new Redacted(hexToBytes(v.macKey)), th0, nG, true),
    th1,
    offerStatement: offerStatement(th1),
    refusalStatement: refusalStatement(th0, nG, { code: 'EXPIRED' }),
    guestShare: guest.share,
    hostShare: host.share,
    th2: keys.th2,
    confirmGuestKey: keys.confirmGuest.unwrap(),
    confirmHostKey: keys.confirmHost.unwrap(),
    sealGuestKey: keys.sealGuest.unwrap(),
    sealHostKey: keys.sealHost.unwrap(),
    guestTag: confirmationTag(hostKeys, 'guest'),
    hostTag: confirmationTag(keys, 'host'),
    deviceProofStatement: proofStatement('DEVICE', keys.th2, request),
    admitStatement: admitStatement(keys.th2, answer),
    sealedRequest: seal(keys, 'guest', request),
    sealedAnswer: seal(hostKeys, 'host', answer),
  }
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, bytesToHex(value)]))
}
