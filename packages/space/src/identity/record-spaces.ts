import type { Credential } from '@vestibule/credentials'
import { publish } from '../acts/perform.ts'
import { verifyAll } from '../admission/admission.ts'
import { listedAdmission } from '../admission/admit.ts'
import type { Space } from '../space.ts'
import { encodeListEntry, MAX_LISTED_BYTES, SpaceList } from './space-list.ts'

interface Read {
  readonly list: SpaceList
  readonly seen: Set<string>
  readonly revoked: string
}
const read = new WeakMap<Space, Read>()

/** The list of spaces that an own space holds. What a device says that was revoked counts no more. */
export function listIn(own: Space): SpaceList {
  const gone = new Set(own.membership.devicesOf(own.self).flatMap(({ key, revoked }) => (revoked ? key : [])))
  const revoked = [...gone].map((key) => key.toHex()).join()
  const known = read.get(own)
  const { list, seen } =
    known?.revoked === revoked ? known : { list: new SpaceList(), seen: new Set<string>() }
  for (const { id, device, bytes } of own.messages()) {
    if (seen.has(id)) continue
    seen.add(id)
    if (bytes !== undefined && !gone.has(device)) list.add(bytes)
  }
  read.set(own, { list, seen, revoked })
  return list
}

/** Says in an own space that the identity is in another one, or has left it, unless that has been said. */
export async function recordSpace(own: Space, space: Space): Promise<void> {
  const list = listIn(own)
  const { key: spaceKey } = space
  const [stay, listed] = [list.stayIn(spaceKey), list.get(spaceKey)]
  if (hasLeft(space)) {
    const isNews = list.entriesOf(spaceKey).some(({ grant }) => isUnheard(space, grant))
    if (listed !== undefined && !isNews) {
      const leave = lastDeparture(space)?.encoded
      await own.write(encodeListEntry({ spaceKey, stay, readKeys: 0, ...(leave && { leave }) }))
    }
    return
  }
  const isEnded = stay > 1 && listed === undefined
  if (
    space.removal !== undefined ||
    space.roleOf(space.self) === undefined ||
    (isEnded && !hasComeBack(space))
  )
    return
  const { grantId: grant } = space
  const isSaid = grant === undefined || list.entriesOf(spaceKey).some((entry) => entry.grant === grant)
  if (isSaid && (listed?.readKeys ?? 0) >= space.readKeyCount) return
  const admission = await space.act(async (actor) => listedAdmission(actor, MAX_LISTED_BYTES))
  if (admission !== undefined)
    await own.write(encodeListEntry({ spaceKey, stay, ...admission, ...(grant !== undefined && { grant }) }))
}

/**
 * The admissions, the latest first, by which another device is in a space again that this one is in no longer, as far as
 * it knows.
 */
export function comebacksTo(own: readonly Space[], space: Space): Uint8Array[] {
  if (space.removal === undefined) return []
  return own
    .flatMap((one) => listIn(one).entriesOf(space.key))
    .flatMap(({ admission, grant }) => (admission && isUnheard(space, grant) ? admission : []))
    .reverse()
}

/** Whether the identity was let in by something that has not come here yet. */
const isUnheard = (space: Space, grant: string | undefined): boolean =>
  grant !== undefined && !space.hasHeardOf(grant)

/** Whether the identity left, and nobody has admitted it again. */
const hasLeft = (space: Space): boolean =>
  space.roleOf(space.self) === undefined && lastDeparture(space)?.type === 'LeftSpace'

/** Whether it is a member, and left before: so it was admitted again. */
const hasComeBack = (space: Space): boolean =>
  space.membership.departuresOf(space.self).some(({ type }) => type === 'LeftSpace')

/** Whether another device has left a space, and nobody here has heard of it in the space itself. */
export function isLeftElsewhere(own: readonly Space[], space: Space): boolean {
  // While its history is on its way it may well be that the identity has come back.
  if (space.removal !== undefined || space.isProvisional || hasComeBack(space)) return false
  return own.some((one) => {
    const list = listIn(one)
    return list.stayIn(space.key) > 1 && list.get(space.key) === undefined
  })
}

/**
 * Leaves a space that another device has left: by the word of that one, which is the same act wherever it stands. A
 * second leave, of which nobody hears until the identity is admitted again, would end that membership too; so there is
 * one only when what comes before the first is not here.
 */
export async function leaveElsewhere(own: readonly Space[], space: Space): Promise<void> {
  const said = own.flatMap((one) => listIn(one).leavesOf(space.key)).at(-1)
  const [leave] = said === undefined ? [] : await verifyAll([said], 'BAD_ADMISSION')
  const { membership } = space
  const isTheirs = leave?.claim.type === 'LeftSpace' && leave.claim.space === space.key
  if (leave === undefined || !isTheirs || leave.issuer !== space.self) return space.leave()
  if (membership.has(leave.id) || !leave.parents.every((id) => membership.has(id))) return space.leave()
  await space.act((actor) => publish(actor, [leave]))
}

const lastDeparture = (space: Space): Credential | undefined =>
  space.membership.departuresOf(space.self).at(-1)
