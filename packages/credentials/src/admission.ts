import type { PublicKey } from '@vestibule/keys'
import type { Credential } from './credential.ts'
import { CredentialsError } from './errors.ts'
import { isAtLeast, mayAdmit, type Role } from './roles.ts'

/** What somebody was promised when invited. */
export interface ExpectedAdmission {
  readonly space: PublicKey
  /** The id of the genesis that the invitation committed to. */
  readonly genesisId: string
  readonly member: PublicKey
  readonly role: Role
}

/**
 * Checks, before anything of a space is written, that a list of credentials is an unbroken line of admissions:
 * the genesis, the founder's grant by the space key, then grants by those who were admitted earlier in the
 * list at a role that allows it, the last of them to `member` at exactly `role`. A redemption stands for its server's
 * grant, a change of role for a grant of the new one. What an acting owner below ADMIN granted can't be shown so.
 *
 * It shows that the host is no impostor. What counts in the space is for the fold to say, once all its
 * credentials are there: some of these may have been overtaken by others.
 *
 * @param path verified credentials, as `Membership.admissionPath` gives them
 * @throws CredentialsError with WRONG_GENESIS, WRONG_SPACE, WRONG_TYPE, WRONG_ISSUER, NOT_ALLOWED, WRONG_MEMBER
 *   or WRONG_ROLE
 */
export function verifyAdmission(path: readonly Credential[], expected: ExpectedAdmission): void {
  const { space, genesisId, member, role } = expected
  const [genesis, ...grants] = path
  if (genesis?.claim.type !== 'SpaceGenesis' || genesis.id !== genesisId)
    throw new CredentialsError('WRONG_GENESIS', 'the admission does not start from the genesis of the space')
  if (genesis.claim.space !== space || genesis.issuer !== space)
    throw new CredentialsError('WRONG_SPACE', 'the genesis is that of another space')
  const { identity: owner } = genesis.claim
  if (owner !== undefined && (owner !== member || grants.length > 1))
    throw new CredentialsError('NOT_ALLOWED', 'nobody else is admitted to somebody’s own space')

  const admitted = new Map<PublicKey, Role[]>()
  for (const { claim, type, issuer, signer, parents } of grants) {
    if (claim.type !== 'SpaceMember' && claim.type !== 'ChangedRole')
      throw new CredentialsError('WRONG_TYPE', `${type} among the grants of an admission`)
    if (claim.space !== space) throw new CredentialsError('WRONG_SPACE', 'a grant of another space')
    const isOwnChange = claim.type === 'ChangedRole' && claim.member === issuer
    if ((claim.member === issuer && !isOwnChange) || claim.member === space)
      throw new CredentialsError('NOT_ALLOWED', 'nobody admits itself')
    if (admitted.size === 0) {
      if (issuer !== space || signer !== space)
        throw new CredentialsError('WRONG_ISSUER', 'the founder was not admitted by the key of the space')
      if (
        claim.type !== 'SpaceMember' ||
        claim.role !== 'OWNER' ||
        parents.length !== 1 ||
        parents[0] !== genesisId
      )
        throw new CredentialsError('NOT_ALLOWED', 'the key of the space admits its founder, as an owner')
    } else {
      const held = admitted.get(issuer)
      if (held === undefined)
        throw new CredentialsError('WRONG_ISSUER', 'a grant by somebody who was not admitted before it')
      // Everybody may take less; more is given by those who have it.
      const allows = (own: Role) =>
        isOwnChange ? own !== claim.role && isAtLeast(own, claim.role) : mayAdmit(own, claim.role)
      if (!held.some(allows))
        throw new CredentialsError('NOT_ALLOWED', `a grant of ${claim.role} by somebody with less`)
    }
    admitted.set(claim.member, [...(admitted.get(claim.member) ?? []), claim.role])
  }

  const last = grants.at(-1)?.claim
  if ((last?.type !== 'SpaceMember' && last?.type !== 'ChangedRole') || last.member !== member)
    throw new CredentialsError('WRONG_MEMBER', 'the admission is that of somebody else')
  if (last.role !== role)
    throw new CredentialsError('WRONG_ROLE', `admitted as ${last.role}; ${role} was promised`)
}
