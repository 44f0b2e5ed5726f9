import { CredentialsError, verifyCredential, verifyFeedProof } from '@vestibule/credentials'
import { PublicKey, verifySignature } from '@vestibule/keys'
import { type Candidate, encodeAdmission, type SigningContext, type Space } from '@vestibule/space'
import { type Preview, type ProvenRequest, provenRequestCodec, requestCodec } from '../protocol/messages.ts'
import { proofChecks } from '../protocol/proofs.ts'
import type { SpaceTarget } from '../records.ts'
import type { Applicant, HostKind } from './kind.ts'

/** Invites into a space: guests are admitted as members. */
export class SpaceHost implements HostKind {
  readonly #space: Space
  readonly #signingContext: SigningContext
  readonly #target: SpaceTarget
  readonly #invitationId: Uint8Array

  /** @param invitationId 16 bytes */
  constructor(space: Space, signingContext: SigningContext, target: SpaceTarget, invitationId: Uint8Array) {
    this.#space = space
    this.#signingContext = signingContext
    this.#target = target
    this.#invitationId = invitationId
  }

  preview(): Preview {
    const { displayName: inviterName } = this.#signingContext.profile
    return { spaceName: this.#space.name, inviterName, role: this.#target.role }
  }

  async verify(proven: Uint8Array, th2: Uint8Array): Promise<Applicant | undefined> {
    const candidate = await verifiedCandidate(provenRequestCodec.parse(proven), th2)
    if (candidate === undefined) return undefined
    const { identityKey, deviceKey, profile } = candidate
    const { role, history, madeAfter: invitedAfter } = this.#target
    const invitationId = this.#invitationId
    return {
      key: identityKey,
      shown: { identityKey, deviceKey, displayName: profile.displayName },
      admit: async (alsoWrite) => {
        const options = { role, history, invitationId, invitedAfter, ...(alsoWrite && { alsoWrite }) }
        return encodeAdmission(await this.#space.admit(candidate, options))
      },
    }
  }

  onRemovals(look: () => void): () => void {
    return this.#space.subscribe({ onDepartures: look })
  }

  isRemoved(identity: PublicKey): boolean {
    const departure = this.#space.departureOf(identity)
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
): Promise<Candidate | undefined> {
  const request = requestCodec.parse(proven.request)
  const checks = proofChecks(proven, request, th2)
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
