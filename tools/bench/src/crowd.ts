import type { Benchmark, Outcome } from './benchmark.ts'
import { Child } from './child.ts'
import type { CrowdService } from './crowd-guests.ts'
import { type Report, report, round, sharedNow } from './figures.ts'
import { newPeer, until } from './peer.ts'
import { aim, table } from './table.ts'

const GUESTS = 200
/** The code of both processes is compiled by a crowd that does not count. */
const WARM_UP_GUESTS = 20
const LISTEN = ['/ip4/127.0.0.1/tcp/0/ws']
const TIMEOUT_MS = 120_000

/** What `crowd` reports. */
export interface CrowdReport extends Report {
  readonly guests: number
  readonly admitted: number
  readonly lost: number
  /** From the first look for the host to the last guest's `SUCCESS`. */
  readonly perSecond: number
  /** From then until everybody knows everybody, in milliseconds. */
  readonly settleMs: number
}

interface Run extends Pick<CrowdReport, 'admitted' | 'lost' | 'perSecond' | 'settleMs'> {
  readonly why: Readonly<Record<string, number>>
  readonly agreed: boolean
}

/** So many guests at once on one multi-use invitation without a code; the median of the runs by their speed. */
export const crowd =
  (guests: number): Benchmark =>
  async ({ runs = 1 }) => {
    await using child = new Child<CrowdService>(new URL('./crowd-guests.ts', import.meta.url))
    await once(child, Math.min(guests, WARM_UP_GUESTS))
    const done: Run[] = []
    for (let i = 0; i < runs; i++) done.push(await once(child, guests))
    const bySpeed = done.toSorted((a, b) => a.perSecond - b.perSecond)
    const { perSecond, settleMs } = bySpeed[bySpeed.length >> 1] ?? { perSecond: 0, settleMs: 0 }
    const admitted = Math.min(...done.map((run) => run.admitted))
    const lost = Math.max(...done.map((run) => run.lost))
    const ok = done.every(({ agreed }) => agreed) && lost === 0
    const result: CrowdReport = { ...report('crowd', ok), guests, admitted, lost, perSecond, settleMs }
    return { report: result, text: crowdText(result, done) } satisfies Outcome
  }

export const crowdOf200 = crowd(GUESTS)

async function once(child: Child<CrowdService>, guests: number): Promise<Run> {
  await using host = await newPeer('Ada', LISTEN)
  const space = await host.spaceManager.createSpace({ name: 'Square' })
  await child.call('open', guests)
  const observable = host.invitations.createInvitation(space, {
    authMethod: 'NONE',
    multiUse: true,
    open: true,
    timeout: TIMEOUT_MS,
  })
  const shared = Promise.withResolvers<string>()
  observable.subscribe({ onConnecting: ({ link = '' }) => shared.resolve(link) })
  const link = await shared.promise
  const startedAt = sharedNow()
  const { admitted, lost: why, endedAt, spaceKey } = await child.call('accept', link, TIMEOUT_MS)
  const members = admitted + 1
  const settledAt = await child.call('settled', spaceKey, members, TIMEOUT_MS).catch(() => undefined)
  await until(space, () => space.members().length === members, TIMEOUT_MS)
  await child.call('close')
  return {
    admitted,
    lost: guests - admitted,
    perSecond: round((admitted / (endedAt - startedAt)) * 1000),
    settleMs: round((settledAt ?? Number.POSITIVE_INFINITY) - endedAt),
    why,
    agreed: settledAt !== undefined,
  }
}

function crowdText({ guests, admitted, lost, perSecond, ok }: CrowdReport, runs: readonly Run[]): string {
  return [
    `${guests} guests at once on one multi-use invitation without a code`,
    '',
    table([
      ['admitted', 'lost', 'per second', 'settled after ms'],
      ...runs.map((run) => [run.admitted, run.lost, run.perSecond, run.settleMs].map(String)),
    ]),
    '',
    aim(`${guests} admitted (${admitted})`, admitted === guests),
    aim(`none lost (${lost})`, lost === 0),
    aim(`≥ 100 per second (${perSecond})`, perSecond >= 100),
    ...runs.flatMap(({ why }) => Object.entries(why).map(([code, n]) => `${n} lost: ${code}`)),
    ...(ok ? [] : ['', 'NOT OK: somebody was lost, or does not know everybody']),
  ].join('\n')
}
