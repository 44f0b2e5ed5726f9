import type { Benchmark } from '../benchmark.ts'
import { Child } from '../child.ts'
import { type Report, report, round, summarise } from '../figures.ts'
import { bareNode } from '../libp2p-floor.ts'
import { newPeer } from '../peer.ts'
import { aim, table } from '../table.ts'
import { serveStream } from './bare-stream.ts'
import { catchUp, fill } from './host.ts'
import type { CaughtUp, SyncGuestService } from './sync-guest.ts'

const LISTEN = ['/ip4/127.0.0.1/tcp/0/ws']
const DEFAULT_RUNS = 5
const MIB = 1024 * 1024
const SMALL_BYTES = 200
/** The most that a message may have; its entry has some bytes more. */
const LARGE_BYTES = 60 * 1024

/** What a guest catches up with. */
export interface SyncSizes {
  readonly entries: number
  readonly largeEntries: number
}

const SIZES: SyncSizes = { entries: 100_000, largeEntries: Math.ceil((64 * MIB) / LARGE_BYTES) }

/** What `sync` reports; medians of the runs. */
export interface SyncReport extends Report {
  readonly streamMiBPerSecond: number
  readonly feedMiBPerSecond: number
  /** Payload that a guest stores durably, against as many bytes of a bare stream in the same run. */
  readonly streamRatio: number
  /** Entries of 200 bytes that a guest stores durably. */
  readonly entriesPerSecond: number
  /** Storage, identity and the space with the small entries. */
  readonly openMs: number
}

/** A guest catches up with 100,000 entries of 200 bytes, and with 64 MiB in large ones. */
export const sync: Benchmark = (options) => syncSizes(SIZES, options)

/** The same with as many entries as are asked for. */
export async function syncSizes(
  sizes: SyncSizes,
  { runs = DEFAULT_RUNS }: Parameters<Benchmark>[0],
): Promise<{ readonly report: SyncReport; readonly text: string }> {
  await using stack = new AsyncDisposableStack()
  const host = stack.use(await newPeer('Ada', LISTEN))
  const small = await host.spaceManager.createSpace({ name: 'Small' })
  const large = await host.spaceManager.createSpace({ name: 'Large' })
  await fill(small, sizes.entries, SMALL_BYTES)
  await fill(large, sizes.largeEntries, LARGE_BYTES)
  const bytes = sizes.largeEntries * LARGE_BYTES
  const node = await bareNode(LISTEN)
  stack.defer(() => node.stop())
  await serveStream(node, bytes)
  const address = String(node.getMultiaddrs()[0])
  const guest = stack.use(new Child<SyncGuestService>(new URL('./sync-guest.ts', import.meta.url)))
  const [streams, smalls, larges]: [number[], CaughtUp[], CaughtUp[]] = [[], [], []]
  for (let run = -1; run < runs; run++) {
    // In turn, so that whatever else the machine does falls on all of them alike. The first compiles the code.
    const stream = await guest.call('stream', address, bytes)
    const [one, other] = [await catchUp(host, guest, small), await catchUp(host, guest, large)]
    if (run < 0) continue
    streams.push(stream)
    smalls.push(one)
    larges.push(other)
  }
  const median = (list: readonly number[]): number => summarise(list).median
  const perSecond = (ms: number): number => bytes / MIB / (ms / 1000)
  const [streamMs, largeMs] = [median(streams), median(larges.map(({ syncMs }) => syncMs))]
  const ok =
    smalls.every(({ messages }) => messages === sizes.entries) &&
    larges.every(({ messages }) => messages === sizes.largeEntries)
  const result: SyncReport = {
    ...report('sync', ok),
    streamMiBPerSecond: round(perSecond(streamMs)),
    feedMiBPerSecond: round(perSecond(largeMs)),
    streamRatio: round(streamMs / largeMs),
    entriesPerSecond: Math.round(sizes.entries / (median(smalls.map(({ syncMs }) => syncMs)) / 1000)),
    openMs: median(smalls.map(({ openMs }) => openMs)),
  }
  return { report: result, text: syncText(result, sizes) }
}

function syncText(
  { streamMiBPerSecond, feedMiBPerSecond, streamRatio, entriesPerSecond, openMs, ok }: SyncReport,
  { entries, largeEntries }: SyncSizes,
): string {
  return [
    'a guest catches up, durable storage at both ends',
    '',
    table([
      ['', 'per second'],
      [`bare stream, MiB`, streamMiBPerSecond.toFixed(1)],
      [`${largeEntries.toLocaleString('en')} entries of 60 KiB, MiB`, feedMiBPerSecond.toFixed(1)],
      [`${entries.toLocaleString('en')} entries of 200 B, entries`, entriesPerSecond.toLocaleString('en')],
    ]),
    '',
    `opened again in ${openMs.toFixed(0)} ms, with the entries of 200 B`,
    '',
    aim(`≥ 0.5 of the stream (${streamRatio})`, streamRatio >= 0.5),
    aim(`≥ 100k entries/s (${entriesPerSecond.toLocaleString('en')})`, entriesPerSecond >= 100_000),
    ...(ok ? [] : ['', 'NOT OK: a guest did not get everything']),
  ].join('\n')
}
