import { join } from 'node:path'
import type { Benchmark } from '../benchmark.ts'
import { Child } from '../child.ts'
import { type Report, report, round, summarise } from '../figures.ts'
import { newFolder } from '../peer.ts'
import { aim, table } from '../table.ts'
import { writeCredentials } from './credentials-file.ts'
import type { FoldSample, FoldService } from './fold-child.ts'
import { spaceHistory } from './space-history.ts'

const SIZES = [1000, 10_000, 100_000] as const
const DEFAULT_RUNS = 3
/** How many come one by one in the end. */
const LATER = 1000
const WARM_UP = 1000

/** What was measured for a space of one size: the median of the runs, each in a process of its own, in milliseconds. */
export interface FoldRow {
  readonly credentials: number
  /** From bytes to members and feeds, every signature checked. */
  readonly wholeMs: number
  /** From verified credentials to members and feeds. */
  readonly foldMs: number
  /** From a snapshot's bytes to members and feeds. */
  readonly snapshotMs: number
  /** One credential more, and members and feeds asked for after it. */
  readonly oneMoreMs: number
}

/** What `fold` reports. */
export interface FoldReport extends Report {
  readonly rows: readonly FoldRow[]
}

/** Who is a member, from 1,000, 10,000 and 100,000 credentials. */
export const fold: Benchmark = (options) => foldSizes(SIZES, options)

/** The same, from histories of any lengths, ascending. */
export async function foldSizes(
  sizes: readonly number[],
  { runs = DEFAULT_RUNS }: Parameters<Benchmark>[0],
): Promise<{ readonly report: FoldReport; readonly text: string }> {
  await using stack = new AsyncDisposableStack()
  const folder = await newFolder(stack)
  const warmUp = join(folder, 'warm-up')
  await writeCredentials(warmUp, encodedOf(await spaceHistory(WARM_UP)))
  // A shorter history is where a longer one began.
  const longest = encodedOf(await spaceHistory(Math.max(...sizes) + LATER))
  const samples = new Map<number, FoldSample[]>(sizes.map((size) => [size, []]))
  for (let run = 0; run < runs; run++)
    for (const [size, list] of samples) {
      const path = join(folder, `${size}`)
      if (run === 0) await writeCredentials(path, longest.slice(0, size + LATER))
      await using child = new Child<FoldService>(new URL('./fold-child.ts', import.meta.url))
      await child.call('warmUp', warmUp)
      list.push(await child.call('measure', path, size))
    }
  const rows = [...samples].map(([credentials, list]): FoldRow => {
    const median = (of: (sample: FoldSample) => number) => summarise(list.map(of)).median
    return {
      credentials,
      wholeMs: median(({ wholeMs }) => wholeMs),
      foldMs: median(({ foldMs }) => foldMs),
      snapshotMs: median(({ snapshotMs }) => snapshotMs),
      // Hundredths of a millisecond are too coarse here.
      oneMoreMs: Math.round(median(({ oneMoreMs }) => oneMoreMs * 1000) * 10) / 10_000,
    }
  })
  const ok = [...samples.values()].every((list) => new Set(list.flatMap(({ seen }) => seen)).size === 1)
  const result: FoldReport = { ...report('fold', ok), rows }
  return { report: result, text: foldText(result) }
}

const encodedOf = (credentials: readonly { readonly encoded: Uint8Array }[]): Uint8Array[] =>
  credentials.map(({ encoded }) => encoded)

function foldText({ rows, ok }: FoldReport): string {
  const cells = rows.map(({ credentials, wholeMs, foldMs, snapshotMs, oneMoreMs }) => [
    credentials.toLocaleString('en'),
    ...[wholeMs, foldMs, snapshotMs].map((ms) => ms.toFixed(1)),
    oneMoreMs.toFixed(4),
  ])
  return [
    'who is a member; milliseconds',
    '',
    table([['credentials', 'whole', 'fold', 'snapshot', 'one more'], ...cells]),
    '',
    ...aimsOf(rows),
    ...(ok ? [] : ['', 'NOT OK: not every way led to the same members and feeds']),
  ].join('\n')
}

function aimsOf(rows: readonly FoldRow[]): string[] {
  const [middle, last] = [rows.find((row) => row.credentials === 10_000), rows.at(-1)]
  const worst = Math.max(...rows.map((row) => row.oneMoreMs))
  const aims = [aim(`one more ≤ 0.05 ms at any size (${worst.toFixed(4)})`, worst <= 0.05)]
  if (middle === undefined || last === undefined) return aims
  const figures = [
    ['whole', middle.wholeMs, last.wholeMs, 700],
    ['fold', middle.foldMs, last.foldMs, 25],
    ['snapshot', middle.snapshotMs, last.snapshotMs, 40],
  ] as const
  for (const [name, ms, , most] of figures)
    aims.push(aim(`10,000: ${name} ≤ ${most} ms (${round(ms)})`, ms <= most))
  for (const [name, ms, longer] of figures)
    aims.push(aim(`${name}: 100,000 ≤ 14 × 10,000 (${round(longer / ms)})`, longer <= 14 * ms))
  return aims
}
