import { type Redacted, verifySignature } from '@vestibule/keys'
import type { Channel } from '@vestibule/network'
import { SpaceError } from '@vestibule/space'
import { InvitationError } from '../errors.ts'
import type { GuestKind, Membership } from '../kind/kind.ts'
import type { InvitationLink } from '../link/link.ts'
import type { LinkKeys } from '../link/link-keys.ts'
import type { SessionId } from '../machine/host-state.ts'
import {
  AGREEMENT_RANDOM_BYTES,
  type Agreement,
  beginAgreement,
  completeAgreement,
  confirmationTag,
  helloMac,
  open,
  type SessionKeys,
  seal,
  tagMatches,
} from '../protocol/key-schedule.ts'
import {
  answerCodec,
  encodeGuestMessage,
  type GuestMessage,
  type HostMessage,
  MAX_LARGE_FRAME_BYTES,
  MAX_SMALL_FRAME_BYTES,
  type Preview,
  parseHostMessage,
  previewCodec,
} from '../protocol/messages.ts'
import {
  admitStatement,
  INVITATION_PROTOCOL_VERSION,
  NONCE_BYTES,
  offerStatement,
  refusalStatement,
  transcript0,
  transcript1,
} from '../protocol/transcript.ts'

/** What every connection of one acceptance shares. */
export interface GuestSecrets {
  readonly link: InvitationLink
  readonly keys: LinkKeys
  readonly random: (length: number) => Uint8Array
}

type Offer = Extract<HostMessage, { type: 'offer' }>
type Admitted = Extract<HostMessage, { type: 'admitted' }>
type Refused = Extract<HostMessage, { type: 'refused' }>

/**
 * One connection of a guest: reads and writes the messages of `inv/1` and does their cryptography. It decides
 * nothing; the guest's machine does.
 */
export class GuestSession {
  readonly id: SessionId
  readonly channel: Channel
  readonly #secrets: GuestSecrets
  readonly #th0: Uint8Array
  #nonce: Uint8Array | undefined
  #th1: Uint8Array | undefined
  #agreement: Agreement | undefined
  #keys: SessionKeys | undefined
  #maxBytes = MAX_SMALL_FRAME_BYTES
  /** Set by a valid offer. */
  preview: Preview | undefined
  /** Set by a valid answer. */
  membership: Membership | undefined

  constructor(id: SessionId, channel: Channel, secrets: GuestSecrets) {
    this.id = id
    this.channel = channel
    this.#secrets = secrets
    this.#th0 = transcript0({
      linkHash: secrets.link.hash(),
      invitationId: secrets.keys.invitationId,
      guestPeer: channel.localPeer,
      hostPeer: channel.remotePeer,
    })
  }

  /** @throws InvitationError `PROTOCOL_VIOLATION`; NetworkError when the channel has ended */
  async read(signal: AbortSignal): Promise<HostMessage> {
    return parseHostMessage(await this.channel.receive({ signal, maxBytes: this.#maxBytes }))
  }

  /** Message 1. */
  async hello(resume: boolean): Promise<void> {
    const { keys, random } = this.#secrets
    const nonce = random(NONCE_BYTES)
    this.#nonce = nonce
    await this.#send({
      type: 'hello',
      version: INVITATION_PROTOCOL_VERSION,
      invitationId: keys.invitationId,
      nonce,
      resume,
      mac: helloMac(keys.macKey, this.#th0, nonce, resume),
    })
  }

  /** Whether message 2 is by the host that the link names; sets {@link preview}. */
  async acceptsOffer({ nonce, preview, signature }: Offer): Promise<boolean> {
    if (this.#nonce === undefined) return false
    const th1 = transcript1(this.#th0, this.#nonce, nonce, preview)
    if (!(await verifySignature(this.#secrets.link.hostKey, offerStatement(th1), signature))) return false
    this.#th1 = th1
    this.preview = previewCodec.parse(preview)
    return true
  }

  /** Message 3. */
  async share(attempt: number, code: Redacted<string> | undefined): Promise<void> {
    const { keys, random } = this.#secrets
    const agreement = beginAgreement({
      ...(code && { code }),
      psk: keys.psk,
      th0: this.#th0,
      th1: this.#expect(this.#th1),
      attempt,
      random: random(AGREEMENT_RANDOM_BYTES),
    })
    this.#agreement = agreement
    await this.#send({ type: 'share', attempt, share: agreement.share })
  }

  /** Whether message 4 gives session keys. */
  acceptsShare(share: Uint8Array): boolean {
    this.#keys = this.#agreement && completeAgreement(this.#agreement, 'guest', share)
    if (this.#keys !== undefined) this.#maxBytes = MAX_LARGE_FRAME_BYTES
    return this.#keys !== undefined
  }

  /** Message 5. @param request makes its plaintext, with every proof over `TH2` */
  async prove(request: (th2: Uint8Array) => Promise<Uint8Array>): Promise<void> {
    const keys = this.#expect(this.#keys)
    const proven = await request(keys.th2)
    await this.#send({
      type: 'proof',
      tag: confirmationTag(keys, 'guest'),
      sealed: seal(keys, 'guest', proven),
    })
  }

  /**
   * Whether message 6 holds: tag, signature, every credential, the link's commitment and the role that was shown.
   * Sets {@link membership}. That it admits this guest is checked when it is stored, before anything is written.
   * @param read checks what it brings
   */
  async acceptsAnswer({ tag, signature, sealed }: Admitted, read: GuestKind['read']): Promise<boolean> {
    const keys = this.#expect(this.#keys)
    const answer = tagMatches(keys, 'host', tag) ? open(keys, 'host', sealed) : undefined
    if (answer === undefined) return false
    const { hostKey } = this.#secrets.link
    if (!(await verifySignature(hostKey, admitStatement(keys.th2, answer), signature))) return false
    try {
      this.membership = await read(answerCodec.parse(answer).admission)
      return this.membership !== undefined
    } catch (error) {
      if (error instanceof SpaceError || error instanceof InvitationError) return false
      throw error
    }
  }

  /** Whether a refusal of message 1 carries the host's signature. */
  async isSigned({ signature, ...refusal }: Refused): Promise<boolean> {
    if (signature === undefined || this.#nonce === undefined) return false
    const statement = refusalStatement(this.#th0, this.#nonce, refusal)
    return verifySignature(this.#secrets.link.hostKey, statement, signature)
  }

  #send(one: GuestMessage): Promise<void> {
    return this.channel.send(encodeGuestMessage(one))
  }

  #expect<T>(value: T | undefined): T {
    if (value === undefined) throw new TypeError('the machine asked for a message out of order')
    return value
  }
}
