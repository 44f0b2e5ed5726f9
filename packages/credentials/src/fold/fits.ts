import type { PublicKey } from '@vestibule/keys'
import type { AdmittedFeed, ChangedRole, SpaceMember } from '../claims/claims.ts'
import { type Act, ADMIN, isAbove, rankOf } from './acts.ts'
import type { Verdicts } from './verdicts.ts'

/** Whether an act does what it may, as things are; see {@link Verdicts}. */
export function decide(verdicts: Verdicts, index: number): boolean {
  const act = verdicts.acts.act(index)
  const { claim, issuer } = act
  if (claim.type === 'SpaceGenesis') return fitsGenesis(verdicts, act)
  if (claim.type === 'SpaceMember' && issuer === verdicts.acts.space) return fitsFounder(verdicts, act, claim)
  if (!verdicts.deviceOk(index)) return false
  switch (claim.type) {
    case 'SpaceMember':
    case 'ChangedRole':
      return fitsGrant(verdicts, index, claim)
    case 'RemovedMember':
      return mayGovern(verdicts, index)
    case 'Epoch':
      return mayGovern(verdicts, index) || ownRevocation(verdicts, index)
    case 'DelegatedInvitation':
      return verdicts.holds(index, (own) => isAbove(own, rankOf(claim.role)))
    case 'CancelledInvitation':
    case 'InvitationAttempts': {
      const invitation = verdicts.acts.invitation(claim.delegation, index)
      return invitation !== undefined && verdicts.holds(index, (own) => isAbove(own, rankOf(invitation.role)))
    }
    case 'AdmittedFeed':
      return fitsFeed(verdicts, index, issuer, claim)
    case 'LeftSpace':
    case 'AuthorizedDevice':
    case 'RevokedDevice':
    case 'IdentityRecovery':
    case 'IdentityProfile':
    case 'MemberProfile':
    case 'DeviceProfile':
      return true
    case 'Auth':
    case 'Unknown':
      return false
  }
}

function fitsGenesis(verdicts: Verdicts, { id, issuer, signer, parents }: Act): boolean {
  if (verdicts.genesisId !== undefined && id !== verdicts.genesisId) return false
  return issuer === verdicts.acts.space && signer === verdicts.acts.space && parents.length === 0
}

function fitsFounder(
  verdicts: Verdicts,
  { signer, parents }: Act,
  { member, role, delegation }: SpaceMember,
): boolean {
  const { genesis } = verdicts
  if (member === verdicts.acts.space || delegation !== undefined || role !== 'OWNER') return false
  if (verdicts.owner !== undefined && verdicts.owner !== member) return false
  return (
    signer === verdicts.acts.space &&
    parents.length === 1 &&
    genesis !== undefined &&
    parents[0] === verdicts.acts.act(genesis).id
  )
}

function fitsGrant(verdicts: Verdicts, index: number, claim: SpaceMember | ChangedRole): boolean {
  const grant = verdicts.acts.grant(index)
  if (grant === undefined || grant.holder === verdicts.acts.space || verdicts.owner !== undefined)
    return false
  if (claim.type === 'SpaceMember' && claim.delegation !== undefined)
    return verdicts.fitsRedemption(grant) && verdicts.beatenBy(grant) === undefined
  if (claim.type === 'SpaceMember' && grant.holder === grant.act.issuer) return false
  return verdicts.admitter(grant) !== undefined
}

function mayGovern(verdicts: Verdicts, index: number): boolean {
  return verdicts.holds(index, (own) => rankOf(own.role) >= ADMIN) || verdicts.heir(index) !== undefined
}

/** Every member renews the key together with the revocation of a device of its own. */
function ownRevocation(verdicts: Verdicts, index: number): boolean {
  const { issuer, parents } = verdicts.acts.act(index)
  const revoked = parents.some((parent) => {
    const at = verdicts.acts.at(parent)
    return verdicts.acts.act(at).issuer === issuer && verdicts.revokes(at)
  })
  return revoked && verdicts.holds(index, () => true)
}

function fitsFeed(verdicts: Verdicts, index: number, issuer: PublicKey, claim: AdmittedFeed): boolean {
  const least = rankOf(claim.purpose === 'DATA' ? 'EDITOR' : 'READER')
  const own = issuer === claim.member
  if (!verdicts.isDevice(index, claim) || (!own && !mayGovern(verdicts, index))) return false
  return verdicts.acts.grantsOf(claim.member).some(
    (grant) =>
      rankOf(grant.role) >= least &&
      // Whoever admitted somebody named their device with them. Nobody else says which feeds are theirs. It is
      // enough that the admitter knew them as a member: what ends that later cuts the feed, and moves it nowhere.
      (own ? verdicts.backs(grant, index) : grant.act.issuer === issuer && verdicts.standsIn(grant, index)),
  )
}
