import type { PublicKey } from '@vestibule/keys'
import type { Credential } from '../../credential.ts'
import { ADMIN, type Grant, limitOf, rankOf } from '../acts.ts'
import type { Verdicts } from '../verdicts.ts'
import { admissionBehind } from './comings.ts'
import { isRevoked } from './devices.ts'

/** Which read key is current. */
export interface EpochState {
  /** Those that count, in the order. */
  readonly all: readonly Credential[]
  /**
   * The one to write under: of those that leave out everybody who is to be left out the latest, that is, one that none
   * of them comes after; of several such the first in the order. When there is none it is the read key that the space
   * was founded with.
   */
  readonly current: Credential | undefined
  /** Whether somebody holds the current read key who is no longer to have the next: an epoch has to be issued. */
  readonly isNeeded: boolean
  /**
   * Whether that is somebody who was removed, or a device that was revoked: nothing is written until there is an epoch.
   * One who left of its own accord is trusted for as long as that takes.
   */
  readonly isBlocked: boolean
}

/** Somebody who lost its place: an epoch leaves it out when it comes after one of these acts. */
interface Loss {
  readonly acts: readonly number[]
  /** Whether the read key is written under meanwhile: it left of its own accord, or is to read no history. */
  readonly isLight: boolean
}

/**
 * As things are: a removal that does not hold takes nobody's read key. When it comes to hold later, an epoch that was
 * sealed to whom it takes does not do any more, though it comes after it.
 */
export function epochsOf(verdicts: Verdicts): EpochState {
  const { size } = verdicts.acts
  let known = KNOWN.get(verdicts)
  if (known?.size !== size) {
    known = { size, state: judge(verdicts) }
    KNOWN.set(verdicts, known)
  }
  return known.state
}

/** As it was judged last, until another act comes. */
const KNOWN = new WeakMap<Verdicts, { readonly size: number; readonly state: EpochState }>()

function judge(verdicts: Verdicts): EpochState {
  const { acts } = verdicts
  const all = (acts.byType.get('Epoch') ?? []).filter((index) => verdicts.counts(index))
  all.sort((a, b) => acts.causality.order(a, b))
  const losses = lossesOf(verdicts)
  const grave = losses.filter(({ isLight }) => !isLight)
  const complete = latest(verdicts, all, losses)
  const current = complete ?? (losses.length === grave.length ? undefined : latest(verdicts, all, grave))
  return Object.freeze({
    all: all.map((index) => acts.credential(index)),
    current: current === undefined ? undefined : acts.credential(current),
    isNeeded: losses.length > 0 && complete === undefined,
    isBlocked: grave.length > 0 && current === undefined,
  })
}

/** @param all in the order */
function latest(verdicts: Verdicts, all: readonly number[], losses: readonly Loss[]): number | undefined {
  const { acts } = verdicts
  const ends: number[] = []
  for (const epoch of all.toReversed()) {
    if (ends.some((end) => acts.before(epoch, end))) continue
    const leavesOut = losses.every((loss) => loss.acts.some((act) => acts.before(act, epoch)))
    if (leavesOut && isSealedToMembers(verdicts, epoch)) ends.push(epoch)
  }
  return ends.at(-1)
}

/** Whether none of the devices that it is sealed to is, by what is known of it here, one that may not have it. */
function isSealedToMembers(verdicts: Verdicts, epoch: number): boolean {
  const { acts } = verdicts
  const { claim } = acts.act(epoch)
  if (claim.type !== 'Epoch') return false
  return claim.keys.every(({ device }) => {
    const owners = acts.devices.ownersOf(device)
    return (
      owners.length === 0 ||
      owners.some((owner) => isMember(verdicts, owner) && !isRevoked(verdicts, owner, device))
    )
  })
}

function lossesOf(verdicts: Verdicts): Loss[] {
  return [
    ...departures(verdicts),
    ...failedRedemptions(verdicts),
    ...revocations(verdicts),
    ...newcomers(verdicts),
  ]
}

/** One for each member who is to read nothing from before: what the others read until then is no key for it. */
const newcomers = (verdicts: Verdicts): Loss[] =>
  verdicts.acts.withoutHistory
    .filter((grant) => isMember(verdicts, grant.holder) && isComing(verdicts, grant))
    .map(({ index }) => ({ acts: [index], isLight: true }))

/** One for each grant that was taken away from somebody who has no other. */
function departures(verdicts: Verdicts): Loss[] {
  const { acts } = verdicts
  const enders = ['RemovedMember', 'LeftSpace'].flatMap((type) => acts.byType.get(type) ?? [])
  const grants = new Set(enders.flatMap((ender) => acts.filed(ender)))
  return [...grants].flatMap((grant) => {
    if (!verdicts.counts(grant.index) || isMember(verdicts, grant.holder)) return []
    const endings = verdicts.endings(grant).filter((ender) => limitOf(acts.act(ender)) === null)
    const isLight = endings.every((ender) => acts.act(ender).issuer === grant.holder)
    return endings.length === 0 ? [] : [{ acts: endings, isLight }]
  })
}

/** Who came by an invitation that another had used up, or that was called off, was given the read key all the same. */
function failedRedemptions(verdicts: Verdicts): Loss[] {
  return [...verdicts.acts.redemptions.values()].flat().flatMap(({ index, holder, act }) => {
    const failed = !verdicts.counts(index) && !isMember(verdicts, holder)
    // Who is out of office itself gave what it had, and that it had it is a loss of its own.
    return failed && isMember(verdicts, act.issuer, ADMIN) ? [{ acts: [index], isLight: false }] : []
  })
}

/** One for each device of a member that was named here, and revoked. */
function revocations(verdicts: Verdicts): Loss[] {
  const { acts } = verdicts
  const revoked = new Map<PublicKey, Map<PublicKey, number[]>>()
  for (const index of acts.byType.get('RevokedDevice') ?? []) {
    const { claim, issuer } = acts.act(index)
    if (claim.type !== 'RevokedDevice' || acts.devices.level(issuer, claim.device) === undefined) continue
    if (!verdicts.revokes(index) || !isMember(verdicts, issuer)) continue
    const devices = revoked.get(issuer) ?? new Map<PublicKey, number[]>()
    revoked.set(issuer, devices)
    devices.set(claim.device, [...(devices.get(claim.device) ?? []), index])
  }
  return [...revoked.values()].flatMap((devices) =>
    [...devices.values()].map((indices) => ({ acts: indices, isLight: false })),
  )
}

const isMember = (verdicts: Verdicts, who: PublicKey, least = 0): boolean =>
  verdicts.acts.grantsOf(who).some((grant) => rankOf(grant.role) >= least && verdicts.stands(grant))

/** Whether a grant counts and nothing ended all of it: its holder has been a member since. */
const isComing = (verdicts: Verdicts, grant: Grant): boolean =>
  verdicts.counts(grant.index) &&
  verdicts.endings(grant).every((ender) => limitOf(verdicts.acts.act(ender)) !== null)

/**
 * Whether a member may have the read key of an epoch: it came with the history, by somebody who had it, or the epoch comes
 * after whichever admission there took it away.
 * @param id of an epoch; `undefined` for the read key that the space was founded with
 */
export function mayRead(verdicts: Verdicts, who: PublicKey, id: string | undefined): boolean {
  const { acts } = verdicts
  const epoch = id === undefined ? undefined : acts.find(id)
  const isKnown = epoch !== undefined && acts.act(epoch).claim.type === 'Epoch'
  if (!isMember(verdicts, who) || isKnown !== (id !== undefined)) return false
  return acts.grantsOf(who).some((grant) => isComing(verdicts, grant) && reads(verdicts, grant, epoch))
}

function reads(verdicts: Verdicts, grant: Grant, epoch: number | undefined): boolean {
  const start = startOf(verdicts, grant)
  return start === undefined || (epoch !== undefined && verdicts.acts.before(start, epoch))
}

/** The admission after which a grant's holder reads: nobody gives a history that it was not to have itself. */
function startOf(verdicts: Verdicts, grant: Grant): number | undefined {
  const { claim } = grant.act
  if (claim.type === 'SpaceMember' && claim.history === 'none') return grant.index
  const by =
    claim.type === 'SpaceMember'
      ? verdicts.admitter(grant)
      : (admissionBehind(verdicts, grant) ?? admissionBehind(verdicts, grant, () => true))
  // Whom a change of role alone brought in was not there before it.
  if (by === undefined) return claim.type === 'SpaceMember' ? undefined : grant.index
  return startOf(verdicts, by)
}
