import fc from 'fast-check'
import { describe, test } from 'vitest'
import { equalBytes } from '../pae.ts'
import { bombs, mutate, mutations } from './inputs.ts'

/** Something that reads bytes from outside, and what is promised of it. */
export interface Decoder<T = unknown> {
  /** Reads bytes, or throws. Text is read as UTF-8 from them first. */
  readonly decode: (input: Uint8Array) => T | Promise<T>
  /** Valid inputs, which are changed in all sorts of ways. At least one. */
  readonly samples: readonly Uint8Array[]
  /** Whether something that was thrown is a refusal of this decoder, by its type and code. */
  readonly isRefusal: (error: unknown) => boolean
  /** Where a value has one encoding only: writes it, to be compared with what was read. */
  readonly encode?: (value: T) => Uint8Array
  /** Mends an input before it is read, a checksum say, so that what comes after it is reached. */
  readonly mend?: (input: Uint8Array) => Uint8Array
}

/** How much is tried. */
export interface FuzzOptions {
  readonly runs: number
  /** A 32-bit integer: the same seed, the same inputs. */
  readonly seed: number
  /** What a test that tries so much may take; a million inputs take their time. */
  readonly timeoutMs: number
}

const DEFAULT_RUNS = 10_000
/** What a decoder may hold when it is done, beyond its input: far more than any format here needs. */
const MAX_HELD_BYTES = 16 * 1024 * 1024
const MS_PER_RUN = 10
/** What one bomb may take of the processor, garbage collection included; how busy the machine is does not count. */
const MAX_CPU_MS = 3000

/**
 * From the environment: `FUZZ_RUNS` inputs (10,000 unless set) from `FUZZ_SEED` (random unless set).
 * @throws TypeError when one of them is no such number
 */
export function fuzzOptions(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): FuzzOptions {
  const number = (name: string, otherwise: number): number => {
    const value = Number(environment[name] ?? otherwise)
    if (!Number.isInteger(value))
      throw new TypeError(`${name}: expected an integer, got ${environment[name]}`)
    return value
  }
  const [random = 0] = crypto.getRandomValues(new Int32Array(1))
  const runs = number('FUZZ_RUNS', DEFAULT_RUNS)
  return { runs, seed: number('FUZZ_SEED', random), timeoutMs: 30_000 + runs * MS_PER_RUN }
}

/**
 * Gives a decoder random bytes, and its samples changed, spliced and as they are. Each has to be a value or a refusal.
 * @throws Error that tells the input and the seed, at the first that is neither
 */
export async function fuzzDecoder<T>(
  decoder: Decoder<T>,
  { runs, seed }: Pick<FuzzOptions, 'runs' | 'seed'>,
): Promise<void> {
  const { samples, mend = (input) => input } = decoder
  const sample = fc.constantFrom(...samples)
  const spliced = fc
    .tuple(sample, sample, fc.double({ min: 0, max: 1, noNaN: true }))
    .map(([a, b, where]) => new Uint8Array([...a.slice(0, where * a.length), ...b.slice(where * b.length)]))
  const changed = fc.tuple(sample, mutations).map(([bytes, changes]) => mutate(bytes, changes))
  const input = fc.oneof(
    { weight: 2, arbitrary: fc.uint8Array({ maxLength: 400 }) },
    { weight: 7, arbitrary: changed },
    { weight: 1, arbitrary: spliced },
  )
  await fc.assert(
    fc.asyncProperty(input, (bytes) => tryOne(decoder, mend(bytes))),
    { numRuns: runs, seed },
  )
}

/** @throws Error when it is neither a value, with the one encoding that it came in, nor a refusal */
async function tryOne<T>({ decode, encode, isRefusal }: Decoder<T>, input: Uint8Array): Promise<void> {
  const given = input.slice()
  let value: T
  try {
    value = await decode(given)
  } catch (error) {
    if (isRefusal(error)) return
    throw new Error(`threw what is no refusal: ${String(error)}`, { cause: error })
  }
  if (encode !== undefined && !equalBytes(encode(value), input))
    throw new Error('read a second encoding of the same value')
}

/**
 * Gives a decoder what claims gigabytes or is nested a thousand deep; see {@link bombs}.
 * @param maxCpuMs what one of them may take of the processor
 * @throws Error when one is neither a value nor a refusal, takes longer, or holds more memory afterwards than its
 *   input explains
 */
export async function bombDecoder<T>(decoder: Decoder<T>, maxCpuMs = MAX_CPU_MS): Promise<void> {
  for (const bomb of bombs(decoder.samples)) {
    const input = decoder.mend?.(bomb) ?? bomb
    const before = process.memoryUsage().arrayBuffers
    const began = process.cpuUsage()
    await tryOne(decoder, input)
    const { user, system } = process.cpuUsage(began)
    const held = process.memoryUsage().arrayBuffers - before
    if (user + system > maxCpuMs * 1000)
      throw new Error(`took ${(user + system) / 1000} ms for an input of ${input.length} bytes`)
    if (held > MAX_HELD_BYTES + 4 * input.length)
      throw new Error(`took ${held} bytes of memory for an input of ${input.length}`)
  }
}

/**
 * What every decoder of bytes from outside has to do: whatever comes, a value or a typed refusal, soon and in little
 * memory. Call it in a test file of yours. `FUZZ_RUNS` and `FUZZ_SEED` in the environment say how much and which.
 *
 * @param name what is decoded
 * @param make the decoder with its samples
 * @example
 * decoderSuite('a point', async () => ({
 *   decode: Point.parse,
 *   encode: Point.encode,
 *   samples: [Point.encode({ x: 1, y: 2 })],
 *   isRefusal: (error) => error instanceof WireError,
 * }))
 */
export function decoderSuite<T>(name: string, make: () => Decoder<T> | Promise<Decoder<T>>): void {
  const options = fuzzOptions()
  const { timeoutMs: timeout } = options
  describe(`whatever comes as ${name}`, () => {
    test('a sample of it is read', { timeout }, async () => {
      const { samples, decode, encode, mend = (input) => input } = await make()
      if (samples.length === 0) throw new Error('a decoder needs a sample')
      for (const sample of samples) {
        const value = await decode(mend(sample))
        if (encode !== undefined && !equalBytes(encode(value), mend(sample)))
          throw new Error('a sample is not what its value is written as')
      }
    })

    test('any bytes, and any sample that was changed, are a value or a refusal', {
      timeout,
    }, async () => {
      if (process.env['FUZZ_RUNS'] !== undefined)
        process.stdout.write(`${name}: FUZZ_RUNS=${options.runs} FUZZ_SEED=${options.seed}\n`)
      await fuzzDecoder(await make(), options)
    })

    test('what is nested a thousand deep or claims gigabytes takes neither long nor much memory', {
      timeout,
    }, async () => {
      await bombDecoder(await make())
    })
  })
}
