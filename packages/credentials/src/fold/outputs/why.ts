import { type Act, ADMIN, type Grant, rankOf } from '../acts.ts'
import type { Verdicts } from '../verdicts.ts'

/** The one rule that decided; see {@link Why}. Stable: programs may look at it. */
export type WhyCode =
  /** It is the genesis, or the founder's grant. */
  | 'ROOT'
  /** It speaks of its issuer only, and its device was in order. */
  | 'OWN_WORD'
  /** Its issuer held a grant that allows it. */
  | 'ALLOWED'
  /** No owner was left, and its issuer stood in for one. */
  | 'ACTING_OWNER'
  /** It counts as a grant, and was ended later. */
  | 'ENDED'
  /** It is allowed, and takes nothing: whom it is about holds no grant below that of its issuer. */
  | 'NO_EFFECT'
  /** Another came first: another root, another admission of the feed, another redemption of a single use. */
  | 'NOT_FIRST'
  /** Its issuer held no grant that it knew of. */
  | 'NO_GRANT'
  /** Its issuer's grants do not allow this. */
  | 'TOO_LOW'
  /** Its issuer's grant does not count. */
  | 'VOID_GRANT'
  /** Its issuer's grant was ended by somebody who did not know the act. */
  | 'GRANT_ENDED'
  /** A senior device revoked the one that signed, not knowing the act. */
  | 'DEVICE_REVOKED'
  /** Nobody admits itself, and the key of a space is no member. */
  | 'SELF'
  /** It admits somebody to another's own space, of which nobody else is a member. */
  | 'NOT_SHARED'
  /** It does not come after an invitation for that role. */
  | 'NO_INVITATION'
  /** The invitation was cancelled by somebody who did not know the redemption. */
  | 'CANCELLED'
  /** Whoever wrote the invitation was out of office. */
  | 'AUTHOR_GONE'
  /** The feed is for a device that its member did not name, or a member whom its admitter did not admit. */
  | 'NOT_THEIRS'
  /** It does not start the space as a root does. */
  | 'NOT_A_ROOT'
  /** Its type is not known here. It is passed on and grants nothing. */
  | 'UNKNOWN_TYPE'
  /** What it comes after is not here yet. */
  | 'WAITS'
  /** It is not here, or belongs to another space. */
  | 'NOT_HERE'

/** Whether a credential counts, and what decided. */
export interface Why {
  readonly counts: boolean
  readonly code: WhyCode
  /** For a person, in English. Nobody matches on it. */
  readonly text: string
  /** The id of the credential that decided: the grant it rests on, or what stands against it. */
  readonly by?: string
}

/** Explains the verdict on one act. */
export function why(verdicts: Verdicts, index: number): Why {
  return verdicts.counts(index) ? whyCounted(verdicts, index) : whyVoid(verdicts, index)
}

function whyCounted(verdicts: Verdicts, index: number): Why {
  const { acts } = verdicts
  const act = acts.act(index)
  const { claim, issuer } = act
  const yes = (code: WhyCode, text: string, by?: Act): Why => answer(true, code, text, by)
  if (claim.type === 'SpaceGenesis' || issuer === acts.space)
    return yes('ROOT', 'Everything else rests on it.')
  const grant = acts.grant(index)
  const ender = grant === undefined ? undefined : verdicts.endings(grant)[0]
  if (ender !== undefined)
    return yes(
      'ENDED',
      'It counted, and was ended by somebody above its holder or by the holder.',
      acts.act(ender),
    )
  const subject = claim.type === 'RemovedMember' ? acts.filed(index) : undefined
  if (subject?.some((one) => verdicts.counts(one.index) && verdicts.ends(index, one)) === false)
    return yes(
      'NO_EFFECT',
      'It is allowed, but ends no grant: none that it knew how to end is below its issuer’s.',
    )
  const heir = verdicts.heir(index, grant)
  const by = allowing(verdicts, index)
  if (by !== undefined) return yes('ALLOWED', `Its issuer was ${by.role}, and that allows it.`, by.act)
  if (heir !== undefined)
    return yes('ACTING_OWNER', `No owner was left; the ${heir.role} with the best grant stood in.`, heir.act)
  return yes('OWN_WORD', 'It speaks of its issuer only.')
}

/** The grant that allows an act which counts. */
function allowing(verdicts: Verdicts, index: number): Grant | undefined {
  const { issuer, claim } = verdicts.acts.act(index)
  const given = verdicts.acts.grant(index)
  if (given !== undefined) {
    const own = (one: Grant) =>
      issuer === given.holder
        ? rankOf(one.role) > rankOf(given.role)
        : rankOf(one.role) >= ADMIN && verdicts.acts.better(one, given)
    return verdicts.best(issuer, index, own)
  }
  const least: Partial<Record<typeof claim.type, number>> = {
    RemovedMember: ADMIN,
    DelegatedInvitation: ADMIN,
    CancelledInvitation: ADMIN,
    InvitationAttempts: ADMIN,
    Epoch: 1,
    AdmittedFeed: 1,
  }
  const rank = least[claim.type]
  return rank === undefined ? undefined : verdicts.best(issuer, index, (own) => rankOf(own.role) >= rank)
}

function whyVoid(verdicts: Verdicts, index: number): Why {
  const { acts } = verdicts
  const { claim, issuer } = acts.act(index)
  const no = (code: WhyCode, text: string, by?: number): Why =>
    answer(false, code, text, by === undefined ? undefined : acts.act(by))
  if (claim.type === 'Unknown' || claim.type === 'Auth')
    return no('UNKNOWN_TYPE', 'This version does not know its type.')
  if (claim.type === 'SpaceGenesis' || issuer === acts.space)
    return verdicts.fits(index)
      ? no('NOT_FIRST', 'Another one is before it in the order.')
      : no(
          'NOT_A_ROOT',
          'The key of the space signs the genesis and the first owner right after it, and nothing else.',
        )
  if (!verdicts.deviceOk(index))
    return no(
      'DEVICE_REVOKED',
      'A senior device revoked the one that signed it, without knowing it.',
      verdicts.revokedBy(index),
    )
  if (claim.type === 'AdmittedFeed' && verdicts.fits(index))
    return no('NOT_FIRST', 'The feed was admitted earlier in the order.', verdicts.feedWinner(claim.feed))
  const grant = acts.grant(index)
  if (claim.type === 'SpaceMember' && (claim.member === issuer || claim.member === acts.space))
    return no('SELF', 'Nobody admits itself, and the key of a space is no member.')
  if (verdicts.owner !== undefined && (claim.type === 'SpaceMember' || claim.type === 'ChangedRole'))
    return no('NOT_SHARED', 'It is somebody’s own space, and nobody else is a member.')
  const delegation = 'delegation' in claim ? claim.delegation : undefined
  if (delegation !== undefined) {
    const invitation = acts.invitation(delegation, index)
    if (invitation === undefined || (claim.type === 'SpaceMember' && grant === undefined))
      return no('NO_INVITATION', 'It does not come after an invitation for that role.')
    if (grant !== undefined) {
      const cancelled = verdicts.cancelledBy(delegation, index)
      if (cancelled !== undefined)
        return no('CANCELLED', 'The invitation was cancelled without knowing of it.', cancelled)
      const written = acts.at(delegation)
      if (
        !verdicts.deviceOk(written) ||
        !verdicts.isAuthorInOffice(written, (own) => verdicts.backs(own, index))
      )
        return no('AUTHOR_GONE', 'Whoever wrote the invitation was no longer in office.', written)
      const first = verdicts.fitsRedemption(grant) ? verdicts.beatenBy(grant) : undefined
      if (first !== undefined)
        return no(
          'NOT_FIRST',
          'The invitation is for one, and another is before this one in the order.',
          first.index,
        )
    }
  }
  return whyNoGrant(verdicts, index)
}

/** No grant of the issuer's allows it: none is there, it is too low, void, or was taken away. */
function whyNoGrant(verdicts: Verdicts, index: number): Why {
  const { acts } = verdicts
  const { issuer, claim } = acts.act(index)
  const known = acts.grantsOf(issuer).filter((own) => acts.before(own.index, index))
  known.sort((a, b) => (acts.better(a, b) ? -1 : 1))
  const [best] = known
  if (best === undefined) return answer(false, 'NO_GRANT', 'Its issuer knew of no grant to itself.')
  const backing = known.find((own) => verdicts.backs(own, index))
  for (const own of known) {
    if (own === backing) break
    const ender = verdicts.endings(own).find((one) => !acts.before(index, one))
    if (ender !== undefined && verdicts.counts(own.index)) {
      const text = `Its issuer was ${own.role}; that was ended by somebody who did not know of it.`
      return answer(false, 'GRANT_ENDED', text, acts.act(ender))
    }
  }
  if (backing === undefined)
    return answer(false, 'VOID_GRANT', `The grant of ${best.role} to its issuer does not count.`, best.act)
  if (claim.type === 'AdmittedFeed' && !verdicts.isDevice(index, claim))
    return answer(false, 'NOT_THEIRS', 'Nothing that it knows names the device as one of the member.')
  if (claim.type === 'AdmittedFeed' && rankOf(backing.role) >= ADMIN)
    return answer(false, 'NOT_THEIRS', 'The feed is not one that its admitter may speak for.', backing.act)
  return answer(false, 'TOO_LOW', `Its issuer was ${backing.role}, and that does not allow it.`, backing.act)
}

function answer(counts: boolean, code: WhyCode, text: string, by?: Act): Why {
  return Object.freeze({ counts, code, text, ...(by !== undefined && { by: by.id }) })
}
