import type { InvitationsOptions } from '@vestibule/invitations'
import { PublicKey } from '@vestibule/keys'
import type { Space } from '@vestibule/space'
import type { Benchmark, Outcome } from './benchmark.ts'
import { Child } from './child.ts'
import type { Writes } from './counting.ts'
import { type Report, report, round, sharedNow, summarise, type Time } from './figures.ts'
import type { Accepted, AcceptedDevice, GuestService } from './invite-guest.ts'
import { answerRoundTrips, bareNode, type RoundTrip, SyncedFile } from './libp2p-floor.ts'
import { type BenchPeer, newFolder, newPeer, until } from './peer.ts'
import { aim, table } from './table.ts'

const LISTEN = ['/ip4/127.0.0.1/tcp/0/ws']
const TIMEOUT_MS = 30_000
const DEFAULT_RUNS = 60
/** Rounds before those that count, in which the code gets compiled. */
const WARM_UP_RUNS = 15

/** What `invite` reports, in milliseconds. */
export interface InviteReport extends Report {
  /** Bare libp2p and disk, doing what `none` can't do without. */
  readonly floor: Time
  /** Without a code. */
  readonly none: Time
  /** With a code that is given as soon as it is asked for. */
  readonly code: Time
  /** For the guest's identity, without a code. */
  readonly knownKey: Time
  /** Without a code, into a second space of two peers that are connected already. */
  readonly warm: Time
  /** A further device of the host's identity, with a code and a yes that are given at once, and one space. */
  readonly device: Time
}

const CASES = ['floor', 'none', 'code', 'knownKey', 'warm', 'device'] as const
type Case = (typeof CASES)[number]
type Example = Exclude<Case, 'floor' | 'warm'>
type Method = 'NONE' | 'SHARED_SECRET' | 'KNOWN_PUBLIC_KEY'

interface Sample {
  readonly elapsedMs: number
  readonly hostWrites: Writes
  readonly accepted: Pick<Accepted, 'endedAt' | 'writes' | 'frames'>
}

type Guest = Child<GuestService>

/** `createInvitation` until both ends say `SUCCESS` and the guest's space is open with both members. */
export const invite: Benchmark = async ({ runs = DEFAULT_RUNS }) => {
  await using guest = new Child<GuestService>(new URL('./invite-guest.ts', import.meta.url))
  const times: Record<Case, number[]> = {
    floor: [],
    none: [],
    code: [],
    knownKey: [],
    warm: [],
    device: [],
  }
  const examples: Partial<Record<Example, Sample>> = {}
  let ok = true
  const warmUp = Math.min(runs, WARM_UP_RUNS)
  for (let run = -warmUp; run < runs; run++) {
    const keep = (name: Case, elapsedMs: number): void => {
      if (run >= 0) times[name].push(elapsedMs)
    }
    // In turn, so that whatever else the machine does falls on all of them alike.
    try {
      const [none, warm] = await invitations(guest, ['NONE', 'NONE'])
      const [code] = await invitations(guest, ['SHARED_SECRET'])
      const [knownKey] = await invitations(guest, ['KNOWN_PUBLIC_KEY'])
      if (none === undefined || warm === undefined || code === undefined || knownKey === undefined)
        throw new TypeError('a run is missing')
      const device = await inviteDevice(guest)
      examples.device ??= device
      examples.none ??= none
      examples.code ??= code
      examples.knownKey ??= knownKey
      keep('none', none.elapsedMs)
      keep('warm', warm.elapsedMs)
      keep('code', code.elapsedMs)
      keep('knownKey', knownKey.elapsedMs)
      keep('device', device.elapsedMs)
      keep('floor', await floor(guest, none))
    } catch (error) {
      ok = false
      console.error(error)
      await guest.call('close')
    }
  }
  const result: InviteReport = {
    ...report('invite', ok),
    floor: summarise(times.floor),
    none: summarise(times.none),
    code: summarise(times.code),
    knownKey: summarise(times.knownKey),
    warm: summarise(times.warm),
    device: summarise(times.device),
  }
  return { report: result, text: inviteText(result, examples) } satisfies Outcome
}

/** Two new peers that have never met, and one invitation after the other between them, each into a new space. */
async function invitations(guest: Guest, methods: readonly Method[]): Promise<Sample[]> {
  await using host = await newPeer('Ada', LISTEN)
  const identity = PublicKey.from(await guest.call('open'))
  const samples: Sample[] = []
  for (const authMethod of methods) {
    const space = await host.spaceManager.createSpace({ name: 'Kitchen' })
    const how = authMethod === 'KNOWN_PUBLIC_KEY' ? { guestKey: identity } : { authMethod }
    samples.push(await inviteOnce(host, guest, space, how))
    // What follows an invitation is not to run into the next one.
    await until(space, () => space.peers().length === 1, TIMEOUT_MS)
    await guest.call('connected', String(space.key))
  }
  await guest.call('close')
  return samples
}

async function inviteOnce(
  host: BenchPeer,
  guest: Guest,
  space: Space,
  how: Pick<InvitationsOptions, 'authMethod' | 'guestKey'>,
): Promise<Sample> {
  host.tally.reset()
  const startedAt = sharedNow()
  const observable = host.invitations.createInvitation(space, { ...how, timeout: TIMEOUT_MS })
  const shared = Promise.withResolvers<Promise<Accepted>>()
  observable.subscribe({
    onConnecting: ({ link = '', authCode }) =>
      shared.resolve(
        authCode === undefined ? guest.call('accept', link) : guest.call('accept', link, authCode),
      ),
  })
  const hosted = observable.result().then(() => ({ endedAt: sharedNow(), writes: host.tally.writes }))
  const [{ endedAt, writes }, accepted] = await Promise.all([hosted, shared.promise])
  const members = space.members().map(({ identityKey, role }) => `${identityKey} ${role}`)
  if (members.length !== 2 || members.sort().join() !== accepted.members.join())
    throw new Error('host and guest do not agree on who is a member')
  return {
    elapsedMs: Math.max(endedAt, accepted.endedAt) - startedAt,
    hostWrites: writes,
    accepted,
  }
}

/** A new identity with one space, and a device that becomes one of its own. */
async function inviteDevice(guest: Guest): Promise<Sample> {
  await using host = await newPeer('Ada', LISTEN)
  const space = await host.spaceManager.createSpace({ name: 'Kitchen' })
  await guest.call('openDevice')
  host.tally.reset()
  const startedAt = sharedNow()
  const observable = host.devices.createInvitation({ timeout: TIMEOUT_MS })
  const shared = Promise.withResolvers<Promise<AcceptedDevice>>()
  observable.subscribe({
    onConnecting: ({ link = '', authCode = '' }) =>
      shared.resolve(guest.call('acceptDevice', link, authCode)),
    onRequests: ({ requests = [] }) => {
      for (const request of requests) observable.approve(request)
    },
  })
  const hosted = observable.result().then(() => ({ endedAt: sharedNow(), writes: host.tally.writes }))
  const [{ endedAt, writes }, accepted] = await Promise.all([hosted, shared.promise])
  const { identityKey } = host.spaceManager.signingContext
  if (accepted.identity !== String(identityKey) || accepted.spaces.join() !== String(space.key))
    throw new Error('the device is not one of the host’s identity with all its spaces')
  await guest.call('close')
  return { elapsedMs: Math.max(endedAt, accepted.endedAt) - startedAt, hostWrites: writes, accepted }
}

/** What the sample did to disk and network, without the rest of it. The link's way to the guest is in both. */
async function floor(guest: Guest, { hostWrites, accepted }: Sample): Promise<number> {
  await using stack = new AsyncDisposableStack()
  const file = stack.use(new SyncedFile(await newFolder(stack)))
  const node = await bareNode(LISTEN)
  stack.defer(() => node.stop())
  await answerRoundTrips(node)
  await guest.call('openFloor')
  const address = String(node.getMultiaddrs()[0])
  const startedAt = sharedNow()
  file.append(total(hostWrites))
  const endedAt = await guest.call('floor', address, tripsOf(accepted.frames), total(accepted.writes))
  await guest.call('close')
  return endedAt - startedAt
}

const total = ({ transactions, keys }: Writes): number => transactions + keys

/** An invitation's frames take turns, the guest's first. */
function tripsOf(frames: readonly number[]): RoundTrip[] {
  const trips: RoundTrip[] = []
  for (let i = 0; i + 1 < frames.length; i += 2)
    trips.push({ request: frames[i] ?? 0, answer: frames[i + 1] ?? 0 })
  return trips
}

function inviteText(
  { floor, none, code, knownKey, warm, device, ok }: InviteReport,
  examples: Partial<Record<Example, Sample>>,
): string {
  const row = (name: string, { median, p95, min, n }: Time): string[] => [
    name,
    ...[median, p95, min].map((ms) => ms.toFixed(2)),
    String(n),
    (median / floor.median).toFixed(2),
  ]
  const times = table([
    ['invite', 'median', 'p95', 'min', 'runs', '× floor'],
    row('floor', floor),
    row('none', none),
    row('code', code),
    row('knownKey', knownKey),
    row('warm', warm),
    row('device', device),
  ])
  const over = round(code.median - floor.median)
  const aims = [
    aim(`none ≤ 1.5 × floor (${(none.median / floor.median).toFixed(2)})`, none.median <= 1.5 * floor.median),
    aim(`code ≤ floor + 8 ms (+ ${over})`, over <= 8),
    aim(`none < 20 ms (${none.median})`, none.median < 20),
    aim(`code < 20 ms (${code.median})`, code.median < 20),
  ]
  const counted = Object.entries(examples).map(
    ([name, { hostWrites, accepted }]) =>
      `${name}: writes of the host ${written(hostWrites)}, of the guest ${written(accepted.writes)}; frames of ${accepted.frames.join(', ')} bytes`,
  )
  return [
    'createInvitation to both SUCCESS; milliseconds',
    '',
    times,
    '',
    ...aims,
    '',
    ...counted,
    `floor: one dial, one stream, the frames of none, and ${writesOf(examples.none)} synced writes of 4 KiB`,
    ...(ok ? [] : ['', 'NOT OK: an invitation failed, or its ends disagreed; see above']),
  ].join('\n')
}

const written = ({ transactions, keys }: Writes): string => `${transactions} transactions + ${keys} keys`
const writesOf = (sample: Sample | undefined): number =>
  sample === undefined ? 0 : total(sample.hostWrites) + total(sample.accepted.writes)
