/** A move of the world: what happened, and the world after it. */
export type Move<W> = readonly [label: string, next: W]

export interface Model<W> {
  readonly start: W
  readonly moves: (world: W) => readonly Move<W>[]
  /** Worlds with the same key are the same. */
  readonly key: (world: W) => string
  /** The law that this world breaks. */
  readonly broken: (world: W) => string | undefined
  /** Whether everything in it has come to its end. */
  readonly ended: (world: W) => boolean
}

export interface Verdict {
  readonly states: number
  readonly transitions: number
  readonly broken?: { readonly law: string; readonly trace: readonly string[] }
}

/** Visits every reachable world, nearest first, so that the trace to a broken law is a shortest one. */
export function explore<W>(model: Model<W>, limit = 400_000): Verdict {
  const numberOf = new Map<string, number>()
  const worlds: W[] = []
  const cameFrom: { parent: number; label: string }[] = []
  const parents: number[][] = []
  const visit = (world: W, parent: number, label: string): number => {
    const key = model.key(world)
    const known = numberOf.get(key)
    if (known !== undefined) {
      parents[known]?.push(parent)
      return known
    }
    const number = worlds.length
    numberOf.set(key, number)
    worlds.push(world)
    cameFrom.push({ parent, label })
    parents.push(parent < 0 ? [] : [parent])
    return number
  }
  const traceTo = (number: number): string[] => {
    const trace: string[] = []
    for (let at = number; at > 0; ) {
      const step = cameFrom[at]
      if (step === undefined) break
      trace.unshift(step.label)
      at = step.parent
    }
    return trace
  }
  visit(model.start, -1, '')
  let transitions = 0
  const ends: number[] = []
  for (let at = 0; at < worlds.length; at++) {
    const world = worlds[at] as W
    const law = model.broken(world)
    if (law !== undefined) return { states: worlds.length, transitions, broken: { law, trace: traceTo(at) } }
    if (model.ended(world)) ends.push(at)
    for (const [label, next] of model.moves(world)) {
      transitions++
      visit(next, at, label)
    }
    if (worlds.length > limit) throw new Error(`more than ${limit} states: bound the model`)
  }
  const canEnd = new Uint8Array(worlds.length)
  for (const end of ends) canEnd[end] = 1
  for (let at = ends.pop(); at !== undefined; at = ends.pop())
    for (const parent of parents[at] ?? [])
      if (canEnd[parent] === 0) {
        canEnd[parent] = 1
        ends.push(parent)
      }
  const stuck = canEnd.indexOf(0)
  if (stuck < 0) return { states: worlds.length, transitions }
  const law = 'law 6: every state can still end'
  return { states: worlds.length, transitions, broken: { law, trace: traceTo(stuck) } }
}
