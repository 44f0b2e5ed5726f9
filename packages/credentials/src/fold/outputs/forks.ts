import { type Acts, push } from '../acts.ts'

/** A place where the graph of credentials parts: some of them come right after the same one, not knowing each other. */
export interface Fork {
  /** The id of the credential that they come after. */
  readonly after: string
  /** Ids of the first credential of every branch, in the order. */
  readonly branches: readonly string[]
  /** Whether a credential knows all the branches. */
  readonly isMerged: boolean
}

/** All forks, in the order of what they come after. Takes time in proportion to the graph. */
export function forksOf(acts: Acts): Fork[] {
  const { causality } = acts
  const inOrder = (a: number, b: number) => causality.order(a, b)
  const heads = [...causality.heads]
  const knows = (head: number, act: number) => head === act || acts.before(act, head)
  const forks: Fork[] = []
  for (const [after, children] of [...childrenOf(acts)].sort(([a], [b]) => inOrder(a, b))) {
    // Children come in the order of their indices, so what is before one of them stands before it here.
    const branches: number[] = []
    for (const child of children)
      if (!branches.some((branch) => acts.before(branch, child))) branches.push(child)
    if (branches.length < 2) continue
    forks.push({
      after: acts.act(after).id,
      branches: branches.sort(inOrder).map((index) => acts.act(index).id),
      isMerged: heads.some((head) => branches.every((branch) => knows(head, branch))),
    })
  }
  return forks
}

function childrenOf(acts: Acts): Map<number, number[]> {
  const children = new Map<number, number[]>()
  for (let index = 0; index < acts.size; index++)
    for (const parent of acts.act(index).parents) push(children, acts.at(parent), index)
  return children
}
