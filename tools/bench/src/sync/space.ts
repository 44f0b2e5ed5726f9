import { issueCredential, proveFeed } from '@vestibule/credentials'
import { Keyring } from '@vestibule/keys'
import type { Space } from '@vestibule/space'
import type { Benchmark } from '../benchmark.ts'
import { Child } from '../child.ts'
import { type Report, report, summarise } from '../figures.ts'
import { newPeer } from '../peer.ts'
import { table } from '../table.ts'
import { catchUp, fill } from './host.ts'
import type { CaughtUp, SyncGuestService } from './sync-guest.ts'

const LISTEN = ['/ip4/127.0.0.1/tcp/0/ws']
const DEFAULT_RUNS = 3
const ENTRY_BYTES = 200

/** How large a space is, besides its guest. */
export interface SpaceSize {
  /** Each with one device, which has a key of its own, and two feeds. */
  readonly members: number
  readonly entries: number
}

const SIZES: readonly SpaceSize[] = [
  { members: 10, entries: 100 },
  { members: 100, entries: 100 },
  { members: 1000, entries: 100 },
  { members: 10, entries: 1000 },
  { members: 10, entries: 10_000 },
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

/** The cost of a space as its members, with a device each, and its entries grow by ten and a hundred. */
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
    for (let n = 1; n < size.members; n++) await admitSomebody(kitchen, n)
    await fill(kitchen, size.entries, ENTRY_BYTES)
    const guest = stack.use(new Child<SyncGuestService>(new URL('./sync-guest.ts', import.meta.url)))
    const samples: CaughtUp[] = []
    for (let run = -1; run < runs; run++) {
      const sample = await catchUp(host, guest, kitchen)
      // The first compiles the code. Guests stay members.
      if (run >= 0) samples.push(sample)
      ok &&= sample.messages === size.entries && sample.members === size.members + run + 2
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

/** Somebody whose identity has authorised one device, and who never comes. */
async function admitSomebody(kitchen: Space, n: number): Promise<void> {
  const keyring = new Keyring()
  const [identityKey, deviceKey] = [await keyring.createKey(), await keyring.createKey()]
  const agreementKey = await keyring.createAgreementKey()
  const named = await issueCredential({
    ...{ signer: keyring, issuer: identityKey, issuedAtMs: n },
    claim: { type: 'AuthorizedDevice', identity: identityKey, device: deviceKey, agreementKey },
  })
  const feeds = { controlFeedKey: await keyring.createKey(), dataFeedKey: await keyring.createKey() }
  const by = { signer: keyring, member: identityKey, device: deviceKey }
  await kitchen.admit(
    {
      ...{ identityKey, deviceKey, agreementKey, chain: [named], profile: { displayName: `Bob ${n}` } },
      ...feeds,
      controlFeedProof: await proveFeed({ ...by, feed: feeds.controlFeedKey, purpose: 'CONTROL' }),
      dataFeedProof: await proveFeed({ ...by, feed: feeds.dataFeedKey, purpose: 'DATA' }),
    },
    { role: 'EDITOR' },
  )
}

function spaceText({ rows, ok }: SpaceReport): string {
  const cells = rows.map(({ members, entries, syncMs, openMs, storedBytes }) => [
    members.toLocaleString('en'),
    entries.toLocaleString('en'),
    ...[syncMs, openMs].map((ms) => ms.toFixed(1)),
    (storedBytes / 1024).toFixed(0),
  ])
  return [
    'what a space costs a new member; milliseconds, and KiB in its storage',
    '',
    table([['members', 'entries', 'sync', 'open', 'stored'], ...cells]),
    ...(ok ? [] : ['', 'NOT OK: a guest did not get everything']),
  ].join('\n')
}
