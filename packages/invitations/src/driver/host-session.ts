import { equalBytes, type Keyring, Redacted } from '@vestibule/keys'
import { type Channel, NetworkError } from '@vestibule/network'
import type { GuestRequest } from '../invitation.ts'
import type { Applicant, HostKind, Unproven } from '../kind/kind.ts'
import { normaliseCode } from '../link/codes.ts'
import type { InvitationLink } from '../link/link.ts'
import type { LinkKeys } from '../link/link-keys.ts'
import type { SessionId } from '../machine/host-state.ts'
import {
  AGREEMENT_RANDOM_BYTES,
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
  encodeHostMessage,
  type GuestMessage,
  type HostMessage,
  MAX_LARGE_FRAME_BYTES,
  MAX_SMALL_FRAME_BYTES,
  type Preview,
  parseGuestMessage,
  previewCodec,
  type Refusal,
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

/** What every session of an invitation shares. */
export interface HostSecrets {
  readonly link: InvitationLink
  readonly keys: LinkKeys
  /** Read anew for each attempt: arming an invitation again changes it. */
  readonly code: () => Redacted<string> | undefined
  readonly keyring: Keyring
  readonly preview: Preview
  readonly random: (length: number) => Uint8Array
}

type Hello = Extract<GuestMessage, { type: 'hello' }>
type Share = Extract<GuestMessage, { type: 'share' }>
type Proof = Extract<GuestMessage, { type: 'proof' }>

/**
 * One guest's connection at the host: reads and writes the messages of `inv/1` and does their cryptography.
 * It decides nothing; the host's machine does.
 */
export class HostSession {
  readonly id: SessionId
  readonly channel: Channel
  readonly #secrets: HostSecrets
  readonly #th0: Uint8Array
  #hello: Hello | undefined
  #share: Share | undefined
  #proof: Proof | undefined
  #th1: Uint8Array | undefined
  #keys: SessionKeys | undefined
  #maxBytes = MAX_SMALL_FRAME_BYTES
  #work: Promise<void> = Promise.resolve()
  /** Set by `verify`: who asks, with everything that was proven. */
  applicant: Applicant | undefined
  /** Set by the commit: what message 6 brings. */
  admission: Uint8Array | undefined

  constructor(id: SessionId, channel: Channel, secrets: HostSecrets) {
    this.id = id
    this.channel = channel
    this.#secrets = secrets
    this.#th0 = transcript0({
      linkHash: secrets.link.hash(),
      invitationId: secrets.keys.invitationId,
      guestPeer: channel.remotePeer,
      hostPeer: channel.localPeer,
    })
  }

  /** @throws InvitationError `PROTOCOL_VIOLATION`; NetworkError when the channel has ended */
  async read(signal: AbortSignal): Promise<GuestMessage> {
    // What is being answered may allow a longer frame next.
    await this.#work
    const read = parseGuestMessage(await this.channel.receive({ signal, maxBytes: this.#maxBytes }))
    if (read.type === 'hello') this.#hello = read
    if (read.type === 'share') this.#share = read
    if (read.type === 'proof') this.#proof = read
    return read
  }

  /** What was asked of this session is done one after the other; a channel that has ended ends it quietly. */
  enqueue(task: () => Promise<void>): void {
    this.#work = this.#work.then(task).catch((error: unknown) => {
      this.channel.abort(error instanceof Error ? error : new Error('the session failed'))
      if (!(error instanceof NetworkError)) throw error
    })
    this.#work.catch(() => undefined)
  }

  /** Resolves when everything enqueued is done; rejects with what nobody foresaw. */
  get work(): Promise<void> {
    return this.#work
  }

  /** Version, invitation id and MAC of message 1. */
  provesLink({ version, invitationId, nonce, resume, mac }: Hello): boolean {
    const { keys } = this.#secrets
    const expected = helloMac(keys.macKey, this.#th0, nonce, resume)
    return (
      equalBytes(mac, expected) &&
      version === INVITATION_PROTOCOL_VERSION &&
      equalBytes(invitationId, keys.invitationId)
    )
  }

  /** Message 2. */
  async offer(): Promise<void> {
    const { link, keyring, random } = this.#secrets
    const nonce = random(NONCE_BYTES)
    const preview = previewCodec.encode(this.#secrets.preview)
    this.#th1 = transcript1(this.#th0, this.#expect(this.#hello).nonce, nonce, preview)
    const signature = await keyring.sign(link.hostKey, offerStatement(this.#th1))
    await this.send({ type: 'offer', nonce, preview, signature })
  }

  /** Message 4. @returns whether the guest's share was acceptable; if not, nothing was sent */
  async answerShare(attempt: number): Promise<boolean> {
    const { keys, code, random } = this.#secrets
    const secretCode = code()
    const agreement = beginAgreement({
      ...(secretCode && { code: new Redacted(normaliseCode(secretCode.unwrap())) }),
      psk: keys.psk,
      th0: this.#th0,
      th1: this.#expect(this.#th1),
      attempt,
      random: random(AGREEMENT_RANDOM_BYTES),
    })
    this.#keys = completeAgreement(agreement, 'host', this.#expect(this.#share).share)
    if (this.#keys === undefined) return false
    this.#maxBytes = MAX_LARGE_FRAME_BYTES
    await this.send({ type: 'share', share: agreement.share })
    return true
  }

  /** Whether `Tg` shows that the guest has the same keys, and so the code. */
  compare(): boolean {
    return tagMatches(this.#expect(this.#keys), 'guest', this.#expect(this.#proof).tag)
  }

  /** Opens message 5 and checks every proof in it; sets {@link applicant}. */
  async verify(kind: HostKind): Promise<'verified' | Unproven | 'PROTOCOL_VIOLATION'> {
    const keys = this.#expect(this.#keys)
    const opened = open(keys, 'guest', this.#expect(this.#proof).sealed)
    if (opened === undefined) return 'PROTOCOL_VIOLATION'
    const verdict = await kind.verify(opened, keys.th2)
    if (typeof verdict === 'string') return verdict
    this.applicant = verdict
    return 'verified'
  }

  /** Who asks, for a person to decide about. */
  get request(): GuestRequest | undefined {
    return this.applicant && Object.freeze({ id: this.id, ...this.applicant.shown })
  }

  /** Message 6. */
  async answer(admission: Uint8Array): Promise<void> {
    const { link, keyring } = this.#secrets
    const keys = this.#expect(this.#keys)
    const answer = answerCodec.encode({ admission })
    const signature = await keyring.sign(link.hostKey, admitStatement(keys.th2, answer))
    const sealed = seal(keys, 'host', answer)
    await this.send({ type: 'admitted', tag: confirmationTag(keys, 'host'), signature, sealed })
  }

  async refuse(refusal: Refusal, signed: boolean): Promise<void> {
    const { link, keyring } = this.#secrets
    if (!signed) return this.send({ type: 'refused', ...refusal })
    const statement = refusalStatement(this.#th0, this.#expect(this.#hello).nonce, refusal)
    const signature = await keyring.sign(link.hostKey, statement)
    await this.send({ type: 'refused', ...refusal, signature })
  }

  send(one: HostMessage): Promise<void> {
    return this.channel.send(encodeHostMessage(one))
  }

  #expect<T>(value: T | undefined): T {
    if (value === undefined) throw new TypeError('the machine asked for a message out of order')
    return value
  }
}
