import type { Benchmark } from '../benchmark.ts'
import { Child } from '../child.ts'
import { type Report, report, summarise } from '../figures.ts'
import { newPeer } from '../peer.ts'
import { table } from '../table.ts'
import { catchUp, fill } from './host.ts'
import { admitMember } from './member.ts'
import type { CaughtUp, SyncGuestService } from './sync-guest.ts'

const LISTEN = ['/ip4/127.0.0.1/tcp/0/ws']
const DEFAULT_RUNS = 3
const ENTRY_BYTES = 200

/** How large a space is, besides its guest. */
export interface SpaceSize {
  readonly members: number
  /** Of each member but the founder; each has a key of its own, and two feeds. At most 32. */
  readonly devices: number
  readonly entries: number
}

const SIZES: readonly SpaceSize[] = [
  { members: 10, devices: 1, entries: 100 },
  { members: 100, devices: 1, entries: 100 },
  { members: 1000, devices: 1, entries: 100 },
  { members: 10, devices: 10, entries: 100 },
  { members: 100, devices: 10, entries: 100 },
  { members: 10, devices: 1, entries: 1000 },
  { members: 10, devices: 1, entries: 10_000 },
]

/** What a space of one size costs a new member: medians of the runs. */
export interface SpaceRow extends SpaceSize {
  /** From being a member until everything is stored. */
  readonly syncMs: number
  /** Opening storage, identity and the space again. */
  readonly openMs: number
  readonly storedBytes: number
}

/** What `space` reports. */
export interface SpaceReport extends Report {
  readonly rows: readonly SpaceRow[]
}

/** The cost of a space as its members, its devices and its entries grow by ten and a hundred. */
export const space: Benchmark = (options) => spaceSizes(SIZES, options)

/** The same for spaces of any sizes. */
export async function spaceSizes(
  sizes: readonly SpaceSize[],
  { runs = DEFAULT_RUNS }: Parameters<Benchmark>[0],
): Promise<{ readonly report: SpaceReport; readonly text: string }> {
  const rows: SpaceRow[] = []
  let ok = true
  for (const size of sizes) {
    await using stack = new AsyncDisposableStack()
    const host = stack.use(await newPeer('Ada', LISTEN))
    const kitchen = await host.spaceManager.createSpace({ name: 'Kitchen' })
    for (let n = 1; n < size.members; n++) await admitMember(kitchen, `Bob ${n}`, size.devices)
    await fill(kitchen, size.entries, ENTRY_BYTES)
    const guest = stack.use(new Child<SyncGuestService>(new URL('./sync-guest.ts', import.meta.url)))
    const samples: CaughtUp[] = []
    for (let run = -1; run < runs; run++) {
      const sample = await catchUp(host, guest, kitchen)
      // The first compiles the code. Guests stay members.
      if (run >= 0) samples.push(sample)
      ok &&= sample.messages === size.entries && sample.members === size.members + run + 2
      ok &&= sample.acts === kitchen.history().length
    }
    const median = (of: (sample: CaughtUp) => number) => summarise(samples.map(of)).median
    rows.push({
      ...size,
      syncMs: median(({ syncMs }) => syncMs),
      openMs: median(({ openMs }) => openMs),
      storedBytes: median(({ storedBytes }) => storedBytes),
    })
  }
  const result: SpaceReport = { ...report('space', ok), rows }
  return { report: result, text: spaceText(result) }
}

function spaceText({ rows, ok }: SpaceReport): string {
  const cells = rows.map(({ members, devices, entries, syncMs, openMs, storedBytes }) => [
    members.toLocaleString('en'),
    devices.toString(),
    entries.toLocaleString('en'),
    ...[syncMs, openMs].map((ms) => ms.toFixed(1)),
    (storedBytes / 1024).toFixed(0),
  ])
  return [
    'what a space costs a new member; milliseconds, and KiB in its storage',
    '',
    table([['members', 'devices each', 'entries', 'sync', 'open', 'stored'], ...cells]),
    ...(ok ? [] : ['', 'NOT OK: a guest did not get everything']),
  ].join('\n')
}
