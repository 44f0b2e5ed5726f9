import { setImmediate } from 'node:timers/promises'
import { type Credential, CredentialsError, Membership, verifyCredentials } from '@vestibule/credentials'
import { serve } from '../child.ts'
import { sharedNow } from '../figures.ts'
import { readCredentials } from './credentials-file.ts'

/** How often what takes a short time is done before it is measured, so that its code is compiled. */
const WARM_UP_ROUNDS = 20
/** What takes a short time is measured so often, and the least counts: whatever else the machine does only adds. */
const ROUNDS = 5

/** What one process measured, in milliseconds, and what it saw. */
export interface FoldSample {
  readonly wholeMs: number
  readonly foldMs: number
  readonly snapshotMs: number
  readonly oneMoreMs: number
  /** How many members and feeds there were, by every way that leads there. */
  readonly seen: readonly string[]
}

/** A process that measures once: what it has verified, it remembers. */
export interface FoldService {
  /** Compiles the code, with another history of the same kind. */
  warmUp(path: string): Promise<void>
  /** @param credentials how many of those in the file make the space; the rest come one by one */
  measure(path: string, credentials: number): Promise<FoldSample>
}

const service: FoldService = {
  async warmUp(path) {
    const history = await verified(await readCredentials(path))
    for (let round = 0; round < WARM_UP_ROUNDS; round++)
      await reopened(await (await folded(history)).membership.snapshot(), history)
  },

  async measure(path, credentials) {
    const encoded = await readCredentials(path)
    const startedAt = sharedNow()
    const history = await verified(encoded.slice(0, credentials))
    const whole = await folded(history)
    const wholeMs = sharedNow() - startedAt
    const later = await verified(encoded.slice(credentials))
    const bytes = await whole.membership.snapshot()
    const folds: Timed[] = []
    const openings: Timed[] = []
    for (let round = 0; round < ROUNDS; round++) {
      // The membership itself is let go of: what earlier rounds left would be work for the collector.
      const [{ membership: _, ...fold }, { membership: __, ...opening }] = [
        await folded(history),
        await reopened(bytes, history),
      ]
      folds.push(fold)
      openings.push(opening)
    }
    return {
      wholeMs,
      foldMs: least(folds),
      snapshotMs: least(openings),
      oneMoreMs: oneMore(whole.membership, later),
      seen: [whole, ...folds, ...openings].map(({ seen }) => seen),
    }
  },
}

interface Timed {
  readonly elapsedMs: number
  readonly seen: string
}

interface Look extends Timed {
  readonly membership: Membership
}

const least = (looks: readonly Timed[]): number => Math.min(...looks.map(({ elapsedMs }) => elapsedMs))

async function verified(encoded: readonly Uint8Array[]): Promise<Credential[]> {
  const verdicts = await verifyCredentials(encoded)
  return verdicts.map((one) => {
    if (one instanceof CredentialsError) throw one
    return one
  })
}

/** Adds one after the other, and asks who is there and which feeds. */
async function folded(history: readonly Credential[]): Promise<Look> {
  await setImmediate()
  const startedAt = sharedNow()
  const membership = new Membership(spaceOf(history))
  for (const one of history) membership.add(one)
  const seen = look(membership)
  return { membership, elapsedMs: sharedNow() - startedAt, seen }
}

async function reopened(snapshot: Uint8Array, history: readonly Credential[]): Promise<Look> {
  await setImmediate()
  const startedAt = sharedNow()
  const membership = await Membership.open(spaceOf(history), snapshot)
  const seen = look(membership)
  return { membership, elapsedMs: sharedNow() - startedAt, seen }
}

/** The mean over all: every credential is added, and then it is asked who is there and which feeds. */
function oneMore(membership: Membership, later: readonly Credential[]): number {
  const startedAt = sharedNow()
  for (const one of later) {
    membership.add(one)
    look(membership)
    membership.roleOf(one.issuer)
  }
  return (sharedNow() - startedAt) / later.length
}

const look = (membership: Membership): string =>
  `${membership.members().size} members, ${membership.feeds().size} feeds`

function spaceOf([genesis]: readonly Credential[]) {
  if (genesis === undefined) throw new TypeError('a space has a genesis')
  return genesis.issuer
}

serve(service)
