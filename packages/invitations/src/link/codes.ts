/** Fewest values that a code may be chosen from (protocol.md, "The link"). */
export const MIN_CODE_VALUES = 1_000_000

/** Digits of the code of a single-use invitation, and of a multi-use one. */
export const CODE_LENGTH = 6
export const MULTI_USE_CODE_LENGTH = 8

const DIGITS = '0123456789'

/** What a code is made of. */
export interface CodeOptions {
  /** Symbols in the code; 6 when not given. */
  readonly length?: number
  /** The symbols to choose from, each once, at most 256; the ten digits when not given. */
  readonly alphabet?: string
  /** Where randomness comes from; `crypto.getRandomValues` when not given. Fills the array and returns it. */
  readonly random?: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array
}

/**
 * A short code for a person to read out, every one equally likely.
 *
 * A random byte that would favour some symbols (256 is no multiple of 10) is thrown away instead of reduced.
 *
 * @throws TypeError when there would be fewer than {@link MIN_CODE_VALUES} codes, or the alphabet repeats a symbol
 * @example
 * generateCode() // '493027'
 * generateCode({ length: 8 }) // for a multi-use invitation
 */
export function generateCode(options: CodeOptions = {}): string {
  const {
    length = CODE_LENGTH,
    alphabet = DIGITS,
    random = (bytes) => crypto.getRandomValues(bytes),
  } = options
  const symbols = [...alphabet]
  if (symbols.length < 2 || symbols.length > 256 || new Set(symbols).size !== symbols.length)
    throw new TypeError('expected an alphabet of 2 to 256 different symbols')
  if (!Number.isSafeInteger(length) || length < 1 || length > 64)
    throw new TypeError(`expected a code length from 1 to 64, got ${length}`)
  if (symbols.length ** length < MIN_CODE_VALUES)
    throw new TypeError(
      `${symbols.length} symbols in ${length} places are fewer than ${MIN_CODE_VALUES} codes`,
    )
  const fair = 256 - (256 % symbols.length)
  let code = ''
  let chosen = 0
  const pool = new Uint8Array(length * 2)
  while (chosen < length) {
    for (const byte of random(pool)) {
      if (chosen === length) break
      if (byte >= fair) continue
      code += symbols[byte % symbols.length]
      chosen++
    }
  }
  return code
}

/**
 * A code as a person typed it, without the spaces and hyphens that make it readable (`493 027`, `493-027`).
 * Compatibility forms (full-width digits) become plain ones.
 */
export function normaliseCode(typed: string): string {
  return typed.normalize('NFKC').replace(/[\s\p{Dash_Punctuation}]+/gu, '')
}
