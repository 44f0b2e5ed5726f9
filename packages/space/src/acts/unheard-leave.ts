import { type Credential, MAX_PARENTS } from '@vestibule/credentials'
import { equalBytes } from '@vestibule/keys'
import { storageKeys } from '../record.ts'
import { dataHeadsOf } from './heads.ts'
import { isVoid, type Own } from './own-control-feed.ts'

/** What tells whether the own member has left, and who has heard of it. */
type Parts = Pick<Own, 'store' | 'signingContext'>

/**
 * Whether the own member has left by a control feed that counts nowhere, and nobody has said to have heard of it. That
 * feed goes to nobody, so others hear of the leave by introduction: see `introductionOf`.
 */
export function isLeaveUnheard(own: Parts): boolean {
  const { store, signingContext } = own
  const self = signingContext.identityKey
  return store.notice === undefined && isVoid(own) && store.roster.departureOf(self)?.by === self
}

/** The leave to tell others of, when {@link isLeaveUnheard}: one that comes after nothing that only this device has. */
export async function unheardLeave(own: Parts): Promise<Credential | undefined> {
  if (!isLeaveUnheard(own)) return undefined
  const { membership } = own.store.roster
  const { orphans, grants } = await placedBy(own)
  return membership
    .credentials()
    .findLast(
      ({ claim, issuer, id, parents }) =>
        claim.type === 'LeftSpace' &&
        issuer === own.signingContext.identityKey &&
        parents.every((parent) => !orphans.has(parent)) &&
        grants.every((grant) => membership.comesAfter(id, grant.id)),
    )
}

/**
 * Leaves once more, when the leave is unheard and nobody else could place it: after what this member did and was granted
 * elsewhere, so that its acts there stay. Inside the serial.
 *
 * @throws storage and key errors; then nothing has changed
 */
export async function repeatLeave(own: Own): Promise<void> {
  if (!isLeaveUnheard(own) || (await unheardLeave(own)) !== undefined) return
  const { store, keyring, signingContext } = own
  const { orphans, grants } = await placedBy(own)
  const self = signingContext.identityKey
  const acts = store.roster.membership
    .credentials()
    .filter(({ issuer, id }) => issuer === self && !orphans.has(id))
  const parents = [...new Set([...acts, ...grants].map(({ id }) => id))].slice(-MAX_PARENTS).sort()
  const claim = { type: 'LeftSpace', space: store.record.spaceKey, heads: dataHeadsOf(store, self) } as const
  const leave = await signingContext.issue(claim, { parents })
  await store.append(keyring, store.record.controlFeedKey, [leave.encoded])
}

/** Takes the word of another that it has heard of the leave: it shows the very credential. Inside the serial. */
export async function heardLeave(own: Parts, encoded: Uint8Array): Promise<void> {
  const leave = await unheardLeave(own)
  if (leave === undefined || !equalBytes(leave.encoded, encoded)) return
  const { store } = own
  await store.write([{ key: storageKeys.notice(store.record.spaceKey), value: leave.encoded }])
  store.notice = leave
}

/** What stands in the void control feed alone, by id, and the grants of the own member that count. */
async function placedBy({ store, signingContext }: Parts) {
  const { membership } = store.roster
  const alone = await store.orphansOf(store.record.controlFeedKey, 0)
  const orphans = new Set(alone.map(({ id }) => id))
  const grants = membership
    .credentials()
    .filter(
      ({ claim, id }) =>
        (claim.type === 'SpaceMember' || claim.type === 'ChangedRole') &&
        claim.member === signingContext.identityKey &&
        !orphans.has(id) &&
        membership.counts(id),
    )
  return { orphans, grants }
}
