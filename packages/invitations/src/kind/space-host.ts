import { CredentialsError, verifyCredential, verifyFeedProof } from '@vestibule/credentials'
import { equalBytes, PublicKey, verifySignature } from '@vestibule/keys'
import {
  type AdmitOptions,
  type Candidate,
  encodeAdmission,
  type SigningContext,
  type Space,
} from '@vestibule/space'
import {
  type JoinRequest,
  type Preview,
  type ProvenRequest,
  provenRequestCodec,
  requestCodec,
} from '../protocol/messages.ts'
import { type KnownGuest, proofChecks } from '../protocol/proofs.ts'
import type { SpaceTarget } from '../records.ts'
import type { Applicant, HostKind, Unproven } from './kind.ts'

/** Invites into a space: guests are admitted as members. */
export class SpaceHost implements HostKind {
  protected readonly space: Space
  readonly #signingContext: SigningContext
  readonly #target: SpaceTarget
  readonly #invitationId: Uint8Array
  readonly #known: KnownGuest | undefined

  /**
   * @param invitationId 16 bytes
   * @param known whom the invitation is for, if that is said
   */
  constructor(
    space: Space,
    signingContext: SigningContext,
    target: SpaceTarget,
    invitationId: Uint8Array,
    known?: KnownGuest,
  ) {
    this.space = space
    this.#signingContext = signingContext
    this.#target = target
    this.#invitationId = invitationId
    this.#known = known
  }

  preview(): Preview {
    const { displayName: inviterName } = this.#signingContext.profile
    return { spaceName: this.space.name, inviterName, role: this.#target.role }
  }

  async verify(proven: Uint8Array, th2: Uint8Array): Promise<Applicant | Unproven> {
    const parsed = provenRequestCodec.parse(proven)
    if (!this.#mayAsk(requestCodec.parse(parsed.request))) return 'WRONG_GUEST'
    const candidate = await verifiedCandidate(parsed, th2, this.#known)
    if (candidate === undefined) return 'PROOF_INVALID'
    const { identityKey, deviceKey, profile } = candidate
    return {
      key: identityKey,
      shown: { identityKey, deviceKey, displayName: profile.displayName },
      admit: async (alsoWrite) => {
        const options = { ...this.#options(), ...(alsoWrite && { alsoWrite }) }
        return encodeAdmission(await this.space.admit(candidate, options))
      },
    }
  }

  #options(): AdmitOptions {
    const { role, history, madeAfter: invitedAfter, delegation } = this.#target
    const invitationId = this.#invitationId
    return { role, history, invitationId, invitedAfter, ...(delegation !== undefined && { delegation }) }
  }

  #mayAsk({ identity }: JoinRequest): boolean {
    return this.#known?.type !== 'KEY_HASH' || equalBytes(identity, this.#known.key.toBytes())
  }

  onRemovals(look: () => void): () => void {
    return this.space.subscribe({ onDepartures: look })
  }

  isRemoved(identity: PublicKey): boolean {
    const departure = this.space.departureOf(identity)
    return departure !== undefined && departure.by !== identity
  }
}

/**
 * Everything that a request claims, once each of its keys has signed, the chain leads to the identity, and both
 * feeds' keys and its device agree to the feeds: with a proof that fails the members would refuse the admission.
 */
export async function verifiedCandidate(
  proven: ProvenRequest,
  th2: Uint8Array,
  known?: KnownGuest,
): Promise<Candidate | undefined> {
  const request = requestCodec.parse(proven.request)
  const checks = proofChecks(proven, request, th2, known)
  if (checks === undefined) return undefined
  for (const { key, statement, signature } of checks)
    if (!(await verifySignature(PublicKey.from(key), statement, signature))) return undefined
  try {
    const identityKey = PublicKey.from(request.identity)
    const deviceKey = PublicKey.from(request.device)
    const chain = await Promise.all(
      request.chain.map((link) => verifyCredential(link, { issuer: identityKey })),
    )
    const device = chain[0]?.claim
    if (device?.type !== 'AuthorizedDevice' || device.device !== deviceKey) return undefined
    const { controlFeedProof, dataFeedProof } = request
    const [controlFeedKey, dataFeedKey] = [
      PublicKey.from(request.controlFeed),
      PublicKey.from(request.dataFeed),
    ]
    const own = { member: identityKey, device: deviceKey }
    for (const feed of [
      { ...own, feed: controlFeedKey, purpose: 'CONTROL', proof: controlFeedProof },
      { ...own, feed: dataFeedKey, purpose: 'DATA', proof: dataFeedProof },
    ] as const)
      if (!(await verifyFeedProof(feed))) return undefined
    return {
      identityKey,
      deviceKey,
      chain,
      agreementKey: request.agreementKey,
      controlFeedKey,
      controlFeedProof,
      dataFeedKey,
      dataFeedProof,
      profile: { displayName: request.displayName },
    }
  } catch (error) {
    if (error instanceof CredentialsError) return undefined
    throw error
  }
}
