import { bytesToHex } from '@noble/hashes/utils.js'
import { base64, base64urlnopad } from '@scure/base'
import { expect, vi } from 'vitest'

/** Watches for secrets in whatever is printed. */
export interface Canaries {
  /** From now on this may never be seen, in any spelling that printing might choose. */
  watch(what: string, secret: Uint8Array | string): void
  /** What of all that is watched shows when a program prints a value in any way it can. */
  leaksOf(value: unknown): string[]
}

/** @param inspect everything that the runtime shows of a value, such as `util.inspect` */
export function canaries(inspect: (value: unknown) => string): Canaries {
  const watched = new Map<string, string>()
  return {
    watch(what, secret) {
      const bytes = typeof secret === 'string' ? new TextEncoder().encode(secret) : secret
      // A short piece is enough: printing cuts long things.
      const piece = bytes.slice(0, 12)
      const spellings = {
        hex: bytesToHex(piece),
        spacedHex: bytesToHex(piece).replace(/..(?=.)/g, '$& '),
        base64: base64.encode(piece),
        base64url: base64urlnopad.encode(piece),
        decimal: piece.join(','),
        spacedDecimal: piece.join(', '),
        text: typeof secret === 'string' ? secret : '',
      }
      for (const [spelling, text] of Object.entries(spellings))
        if (text !== '') watched.set(`${what} (${spelling})`, text.toLowerCase())
    },
    leaksOf(value) {
      // A list of numbers is printed over many lines.
      const text = printed(value, inspect).toLowerCase().replace(/\s+/g, ' ')
      return [...watched].flatMap(([what, canary]) => (text.includes(canary) ? [what] : []))
    },
  }
}

/** All that a program could print of a value. */
function printed(value: unknown, inspect: (value: unknown) => string): string {
  const json = (() => {
    try {
      return JSON.stringify(value, (_, inner: unknown) =>
        inner instanceof Map || inner instanceof Set ? [...inner] : inner,
      )
    } catch {
      return ''
    }
  })()
  const properties =
    typeof value === 'object' && value !== null
      ? Reflect.ownKeys(value).map((key) => inspect(Reflect.get(value, key)))
      : []
  const error =
    value instanceof Error ? `${value.message}\n${value.stack}\n${printed(value.cause, inspect)}` : ''
  return `${inspect(value)}\n${json}\n${properties.join('\n')}\n${String(value)}\n${error}`
}

/** What an act throws; an act that throws nothing is an error. */
export async function thrownBy(act: () => unknown): Promise<unknown> {
  try {
    await act()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

/** An act, what it is, and the code of the KeysError that it has to throw. */
export type Refusal = readonly [what: string, code: string, act: () => unknown]

/** Every act is refused as it should be, and no secret is in what it throws or on the console. */
export async function expectNoLeaks(leaksOf: Canaries['leaksOf'], acts: readonly Refusal[]): Promise<void> {
  await expectSilence(async () => {
    for (const [what, code, act] of acts) {
      const error = await thrownBy(act)
      expect(error, what).toMatchObject({ name: 'KeysError', code })
      expect(leaksOf(error), what).toEqual([])
    }
  })
}

/** An act puts nothing on the console, whatever comes of it. */
export async function expectSilence(act: () => Promise<void>): Promise<void> {
  const outputs = (['log', 'info', 'warn', 'error', 'debug'] as const).map((m) => vi.spyOn(console, m))
  try {
    await act()
    for (const output of outputs) expect(output).not.toHaveBeenCalled()
  } finally {
    for (const output of outputs) output.mockRestore()
  }
}
