import type { PublicKey } from '@vestibule/keys'
import type { Credential } from '../credential.ts'
import { CredentialsError } from '../errors.ts'

/**
 * What can be said of a claim and its issuer without knowing anything else.
 *
 * @throws CredentialsError with WRONG_ISSUER, CYCLIC_CHAIN or MALFORMED
 */
export function checkClaim({
  claim,
  issuer,
  signer,
  parents,
}: Pick<Credential, 'claim' | 'issuer' | 'signer' | 'parents'>): void {
  switch (claim.type) {
    case 'SpaceGenesis':
      if (issuer !== claim.space || signer !== claim.space)
        throw new CredentialsError('WRONG_ISSUER', 'SpaceGenesis: not signed by the key of the space')
      if (parents.length > 0) throw malformed('SpaceGenesis: nothing comes before it')
      return
    case 'SpaceMember':
      if (claim.delegation !== undefined && parents.length === 0)
        throw malformed('SpaceMember: what it redeems has to come before it')
      return
    case 'AuthorizedDevice':
      checkOwn(claim.type, issuer, claim.identity)
      if (claim.device === signer || claim.device === issuer)
        throw new CredentialsError('CYCLIC_CHAIN', 'AuthorizedDevice: no key authorises itself')
      return
    case 'IdentityRecovery':
      checkOwn(claim.type, issuer, claim.identity)
      if (signer !== issuer)
        throw new CredentialsError('WRONG_ISSUER', 'IdentityRecovery: not signed by the key of the identity')
      if (claim.recoveryKey === issuer)
        throw new CredentialsError('CYCLIC_CHAIN', 'IdentityRecovery: no key authorises itself')
      return
    case 'RevokedDevice':
    case 'IdentityProfile':
    case 'DeviceProfile':
      return checkOwn(claim.type, issuer, claim.identity)
    case 'MemberProfile':
      return checkOwn(claim.type, issuer, claim.member)
    case 'RemovedMember':
      if (claim.member === issuer) throw malformed('RemovedMember: whoever goes by itself issues LeftSpace')
      return checkHeads(claim.type, claim.heads)
    case 'ChangedRole':
    case 'LeftSpace':
      return checkHeads(claim.type, claim.heads)
    case 'DelegatedInvitation':
      if (claim.role === 'OWNER') throw malformed('DelegatedInvitation: nobody becomes an OWNER by one')
      if (claim.uses !== undefined && (!claim.multiUse || claim.uses < 2))
        throw malformed('DelegatedInvitation: only one for several has a number of uses, 2 at least')
      return
    case 'Epoch':
      if (claim.number === 0 || (claim.number === 1) !== (claim.previous === undefined))
        throw malformed('Epoch: the first has number 1 and follows none, every other follows one')
      checkAscending(
        claim.type,
        claim.keys.map(({ device }) => device),
      )
      return checkHeads(claim.type, claim.heads)
    case 'AdmittedFeed':
    case 'CancelledInvitation':
    case 'InvitationAttempts':
    case 'Auth':
    case 'Unknown':
      return
  }
}

const malformed = (text: string): CredentialsError => new CredentialsError('MALFORMED', text)

function checkOwn(type: string, issuer: PublicKey, subject: PublicKey): void {
  if (issuer !== subject)
    throw new CredentialsError('WRONG_ISSUER', `${type}: not issued by whom it is about`)
}

function checkHeads(type: string, heads: readonly { readonly feed: PublicKey }[]): void {
  checkAscending(
    type,
    heads.map(({ feed }) => feed),
  )
}

/** One encoding for one set. */
function checkAscending(type: string, keys: readonly PublicKey[]): void {
  const hex = keys.map((one) => one.toHex())
  if (hex.some((one, at) => at > 0 && one <= (hex[at - 1] ?? '')))
    throw malformed(`${type}: its lists are not in strictly ascending order`)
}
