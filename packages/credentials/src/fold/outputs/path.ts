import type { Credential } from '../../credential.ts'
import type { Verdicts } from '../verdicts.ts'

/**
 * The line of grants from the genesis to one of them.
 * @throws TypeError when it is no grant, or does not count
 */
export function pathTo(verdicts: Verdicts, id: string): Credential[] {
  const { acts, genesis } = verdicts
  const path: Credential[] = []
  const index = acts.find(id)
  let grant = index === undefined ? undefined : acts.grant(index)
  while (grant !== undefined && verdicts.counts(grant.index)) {
    path.push(acts.credential(grant.index))
    grant = verdicts.admitter(grant)
  }
  if (path.length === 0 || genesis === undefined)
    throw new TypeError('expected the id of an admission that counts')
  return [acts.credential(genesis), ...path.reverse()]
}
