import { wordlist } from '@scure/bip39/wordlists/english.js'

/** Fewest values that a code may be chosen from (protocol.md, "The link"). */
export const MIN_CODE_VALUES = 1_000_000

/** Fewest values of a code whose length nobody chose, where many may use (and guess) it: 8 digits. */
export const MULTI_USE_CODE_VALUES = 100_000_000

const DIGITS = '0123456789'

/**
 * 2,048 short English words (BIP-39), for codes that are easier to say than digits: two of them are four million
 * codes, three of them nine thousand million.
 */
export const CODE_WORDS: readonly string[] = wordlist

/** What a code is made of. */
export interface CodeOptions {
  /** Symbols in the code; when not given as few as make `values` codes. */
  readonly length?: number
  /** How many codes there are at least, when no length is given; a million (six digits, two words) when not given. */
  readonly values?: number
  /**
   * What to choose from, each once: characters, at most 256, or words (see {@link CODE_WORDS}), at most 65,536,
   * which are joined by hyphens; the ten digits when not given.
   */
  readonly alphabet?: string | readonly string[]
  /** Where randomness comes from; `crypto.getRandomValues` when not given. Fills the array and returns it. */
  readonly random?: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array
}

/**
 * A short code for a person to read out, every one equally likely.
 *
 * Randomness that would favour some symbols (256 is no multiple of 10) is thrown away instead of reduced.
 *
 * @throws TypeError when there would be fewer than {@link MIN_CODE_VALUES} codes, or two symbols of the alphabet
 *   are the same to {@link normaliseCode}
 * @example
 * generateCode() // '493027'
 * generateCode({ values: MULTI_USE_CODE_VALUES }) // eight digits
 * generateCode({ alphabet: CODE_WORDS }) // 'river-candy'
 */
export function generateCode(options: CodeOptions = {}): string {
  const { alphabet = DIGITS, random = (bytes) => crypto.getRandomValues(bytes) } = options
  const symbols = [...alphabet]
  const heard = new Set(symbols.map(normaliseCode))
  if (symbols.length < 2 || heard.size !== symbols.length || heard.has(''))
    throw new TypeError('expected an alphabet of at least 2 symbols that sound different')
  const isWords = typeof alphabet !== 'string'
  const bytesEach = isWords ? 2 : 1
  const values = 256 ** bytesEach
  if (symbols.length > values)
    throw new TypeError(`expected an alphabet of at most ${values} symbols, got ${symbols.length}`)
  const { length = lengthFor(options.values ?? MIN_CODE_VALUES, symbols.length) } = options
  if (!Number.isSafeInteger(length) || length < 1 || length > 64)
    throw new TypeError(`expected a code length from 1 to 64, got ${length}`)
  if (symbols.length ** length < MIN_CODE_VALUES)
    throw new TypeError(
      `${symbols.length} symbols in ${length} places are fewer than ${MIN_CODE_VALUES} codes`,
    )
  const fair = values - (values % symbols.length)
  const chosen: string[] = []
  const pool = new Uint8Array(length * 2 * bytesEach)
  while (chosen.length < length) {
    const drawn = random(pool)
    for (let at = 0; at < drawn.length && chosen.length < length; at += bytesEach) {
      const value = isWords ? (drawn[at] ?? 0) * 256 + (drawn[at + 1] ?? 0) : (drawn[at] ?? 0)
      const symbol = symbols[value % symbols.length]
      if (value < fair && symbol !== undefined) chosen.push(symbol)
    }
  }
  return chosen.join(isWords ? '-' : '')
}

function lengthFor(values: number, symbols: number): number {
  let length = 1
  while (symbols ** length < values) length += 1
  return length
}

/**
 * A code as a person typed it, in the form that both sides compare: without the spaces and hyphens that make it
 * readable (`493 027`, `493-027`), in lower case (a telephone begins `River candy` with a capital), and with
 * compatibility forms (full-width digits) made plain.
 */
export function normaliseCode(typed: string): string {
  return typed
    .normalize('NFKC')
    .replace(/[\s\p{Dash_Punctuation}]+/gu, '')
    .toLowerCase()
}
