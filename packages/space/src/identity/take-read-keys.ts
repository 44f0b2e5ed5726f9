import { parseAdmission } from '../admission/admission.ts'
import { FOUNDING_EPOCH } from '../read-keys/read-key.ts'
import type { Space } from '../space.ts'
import { listIn } from './record-spaces.ts'

/** What was looked at already, of each space. */
const seen = new WeakMap<Space, Set<Uint8Array>>()

/**
 * Takes the read keys of epochs not heard of here which another own device has said it holds of a space that is here
 * already. Who was away for longer than topics are kept finds the others by the newest of them; what else it lacks comes
 * from them. One that is not what its epoch says goes when the epoch comes, as of those that an admission brings.
 * @throws SpaceError as of an admission; storage errors
 */
export async function takeReadKeys(own: readonly Space[], space: Space): Promise<void> {
  const looked = seen.get(space) ?? new Set()
  seen.set(space, looked)
  for (const one of own) {
    const { admission, readKeys = 0 } = listIn(one).get(space.key) ?? {}
    if (space.removal !== undefined || admission === undefined || looked.has(admission)) continue
    if (readKeys <= space.readKeyCount) continue
    const { readKeys: keys } = await parseAdmission(admission)
    await space.act(async ({ store }) => {
      const { membership } = store.roster
      const unheard = keys.filter(({ epoch }) => epoch !== FOUNDING_EPOCH && !membership.has(epoch))
      if (unheard.length > 0) await store.addReadKeys(unheard)
    })
    looked.add(admission)
  }
}
