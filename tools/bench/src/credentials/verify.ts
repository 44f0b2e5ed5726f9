import { join } from 'node:path'
import { issueCredential } from '@vestibule/credentials'
import { Keyring } from '@vestibule/keys'
import type { Benchmark, Outcome } from '../benchmark.ts'
import { Child } from '../child.ts'
import { type Report, report, round, summarise } from '../figures.ts'
import { newFolder } from '../peer.ts'
import { aim, table } from '../table.ts'
import { writeCredentials } from './credentials-file.ts'
import type { Rates, VerifyService } from './verify-child.ts'

const DEFAULT_RUNS = 5
const WARM_UP_RUNS = 2
/** How many are verified in a run by each of the ways. */
const SAMPLE = 2000
const SIGNERS = 10
const ISSUED_AT_MS = 1_700_000_000_000

/** How many a second, the medians of the runs. */
export interface VerifyRates {
  /** Signatures by bare `node:crypto`, over messages as long. */
  readonly native: number
  /** Credentials by `verifyCredential`, one after the other. */
  readonly single: number
  /** Credentials by `verifyCredentials`. */
  readonly bulk: number
  /** `single` against `native`. */
  readonly nativeRatio: number
  /** What checked the credentials. */
  readonly backend: Rates['backend']
}

/** What `verify` reports. */
export interface VerifyReport extends Report, VerifyRates {
  /** The same without the optional `sodium-native`. */
  readonly without: VerifyRates
}

/** Credentials verified a second. Each has one signature, by one of a few keys that are known already. */
export const verify: Benchmark = async ({ runs = DEFAULT_RUNS }) => {
  await using stack = new AsyncDisposableStack()
  const path = join(await newFolder(stack), 'credentials')
  await writeCredentials(path, await admissions((WARM_UP_RUNS + runs) * 2 * SAMPLE))
  const measured = await measure('./verify-child.ts', path, runs)
  const without = await measure('./verify-child-without.ts', path, runs)
  const result: VerifyReport = {
    ...report('verify', measured.ok && without.ok),
    ...measured.rates,
    without: without.rates,
  }
  return { report: result, text: verifyText(result) } satisfies Outcome
}

async function measure(module: string, path: string, runs: number) {
  await using child = new Child<VerifyService>(new URL(module, import.meta.url))
  const samples: Rates[] = []
  for (let run = 0; run < WARM_UP_RUNS + runs; run++)
    samples.push(await child.call('measure', path, run * 2 * SAMPLE, SAMPLE))
  const median = (of: (rates: Rates) => number) =>
    Math.round(summarise(samples.slice(WARM_UP_RUNS).map(of)).median)
  const [native, single, bulk] = [median((r) => r.native), median((r) => r.single), median((r) => r.bulk)]
  const backend = samples.at(-1)?.backend ?? 'node'
  const rates: VerifyRates = { native, single, bulk, nativeRatio: round(single / native), backend }
  return { rates, ok: samples.every(({ ok }) => ok) }
}

async function admissions(count: number): Promise<Uint8Array[]> {
  const keyring = new Keyring()
  const [space, ...issuers] = await Promise.all(
    Array.from({ length: 1 + SIGNERS }, () => keyring.createKey()),
  )
  if (space === undefined) throw new TypeError('no key was made')
  const encoded: Uint8Array[] = []
  let parents: readonly string[] = []
  for (let i = 0; i < count; i++) {
    const issuer = issuers[i % SIGNERS] ?? space
    const profile = { displayName: `Ada ${i}` }
    const claim = { type: 'SpaceMember', space, member: issuer, role: 'READER', profile } as const
    const issuedAtMs = ISSUED_AT_MS + i
    const credential = await issueCredential({ signer: keyring, issuer, claim, parents, issuedAtMs })
    parents = [credential.id]
    encoded.push(credential.encoded)
  }
  return encoded
}

function verifyText({ without, ok, ...measured }: VerifyReport): string {
  const row = (name: string, rate: number, native: number) => [name, `${rate}`, (rate / native).toFixed(2)]
  const rows = ({ native, single, bulk, backend }: VerifyRates) => [
    row('native', native, native),
    row(`single, ${backend}`, single, native),
    row(`bulk, ${backend}`, bulk, native),
  ]
  const { nativeRatio, bulk } = measured
  return [
    'verified per second',
    '',
    table([['verify', '/s', '× native'], ...rows(measured), ...rows(without)]),
    '',
    aim(`single ≥ 0.8 × native (${nativeRatio})`, nativeRatio >= 0.8),
    aim(`bulk ≥ 20,000/s (${bulk})`, bulk >= 20_000),
    ...(ok ? [] : ['', 'NOT OK: a genuine credential was refused']),
  ].join('\n')
}
