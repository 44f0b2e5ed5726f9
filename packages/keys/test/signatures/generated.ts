import { ed25519 } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import type { Verdict } from './published.ts'

const { Point } = ed25519
const L = Point.Fn.ORDER
const P = Point.Fp.ORDER
const SIGN = 1n << 255n

const le32 = (n: bigint): Uint8Array => hexToBytes(n.toString(16).padStart(64, '0')).reverse()
const fromLe = (bytes: Uint8Array): bigint => bytes.reduceRight((n, byte) => (n << 8n) | BigInt(byte), 0n)

/** The eight points of small order: the multiples of one of order eight. */
const TORSION = (() => {
  const t8 = Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05')
  return Array.from({ length: 8 }, (_, i) => (i === 0 ? Point.ZERO : t8.multiplyUnsafe(BigInt(i))))
})()

/** What to build a signature of: A = a B + T[i], R = r B + T[j], S = r + k a + m L. */
export interface Recipe {
  readonly a: bigint
  readonly i: number
  readonly r: bigint
  readonly j: number
  readonly message: Uint8Array
  readonly m?: bigint
}

const times = (n: bigint) => (n === 0n ? Point.ZERO : Point.BASE.multiply(n))
const encodings = ({ a, i, r, j }: Recipe) => {
  const A = times(a).add(TORSION[i] ?? Point.ZERO)
  const R = times(r).add(TORSION[j] ?? Point.ZERO)
  return { A: A.toBytes(), R: R.toBytes() }
}
const hash = (R: Uint8Array, A: Uint8Array, message: Uint8Array) => fromLe(sha512(concatBytes(R, A, message)))

/** It satisfies the equation with the cofactor, whatever i and j; the rule takes it if a ≠ 0, r ≠ 0 and i = j = m = 0. */
export function cook(recipe: Recipe): Omit<Verdict, 'what'> {
  const { a, i, r, j, message, m = 0n } = recipe
  const { A, R } = encodings(recipe)
  const S = ((r + hash(R, A, message) * a) % L) + m * L
  const valid = a !== 0n && r !== 0n && i === 0 && j === 0 && m === 0n
  return { key: A, message, signature: concatBytes(R, le32(S)), valid }
}

/** The same, and the torsion of R and k A cancels out, so that the equation without the cofactor holds, too. */
function cookCofactorless(recipe: Omit<Recipe, 'message'>): Omit<Verdict, 'what'> | undefined {
  const { i, j } = recipe
  for (let n = 0; n < 100; n++) {
    const message = utf8ToBytes(`message ${n}`)
    const { A, R } = encodings({ ...recipe, message })
    // The verifier reduces k by L first: of a point of mixed order that gives another multiple.
    const k = hash(R, A, message) % L
    if ((k * BigInt(i) + BigInt(j)) % 8n === 0n) return cook({ ...recipe, message })
  }
  return undefined
}

const eight = [0, 1, 2, 3, 4, 5, 6, 7]
const message = utf8ToBytes('odd')
const honest = cook({ a: 12345n, i: 0, r: 777n, j: 0, message })

/** A and R of every order. The equation without the cofactor holds for half of them: just our own checks refuse those. */
const SMALL_AND_MIXED: readonly Verdict[] = [0n, 12345n].flatMap((a) =>
  [0n, 777n].flatMap((r) =>
    eight.flatMap((i) =>
      eight.flatMap((j) => {
        const what = `A = ${a} B + T${i}, R = ${r} B + T${j}`
        const exact = cookCofactorless({ a, i, r, j })
        return [
          { what, ...cook({ a, i, r, j, message }) },
          ...(exact === undefined ? [] : [{ what: `${what}, without the cofactor`, ...exact }]),
        ]
      }),
    ),
  ),
)

/** Every encoding of a coordinate above the field's prime, and x = 0 with its sign bit set. */
const NOT_CANONICAL: readonly Verdict[] = [
  ...Array.from({ length: 19 }, (_, y) => P + BigInt(y)).flatMap((y) => [y, y | SIGN]),
  ...[1n, P - 1n].map((y) => y | SIGN),
].flatMap((encoded) => {
  const point = le32(encoded)
  const s = honest.signature.subarray(32)
  // With S = k a an R that is read as the identity passes; with S = 0 an A that is.
  const exact = le32((hash(point, honest.key, message) * 12345n) % L)
  const what = `${encoded.toString(16)} as`
  return [
    { ...honest, what: `${what} R`, signature: concatBytes(point, s), valid: false },
    { ...honest, what: `${what} R, with S to fit`, signature: concatBytes(point, exact), valid: false },
    { ...honest, what: `${what} A`, key: point, valid: false },
    {
      ...honest,
      what: `${what} A and R, S = 0`,
      key: point,
      signature: concatBytes(point, le32(0n)),
      valid: false,
    },
  ]
})

const S_OUT_OF_RANGE: readonly Verdict[] = [
  ...Array.from({ length: 15 }, (_, m) => BigInt(m + 1)).map((m) => ({
    what: `S + ${m} L`,
    ...cook({ a: 12345n, i: 0, r: 777n, j: 0, message, m }),
  })),
  ...[0n, 1n, L - 1n, L, L + 1n, SIGN - 1n, SIGN, 2n * SIGN - 1n].map((S) => ({
    ...honest,
    what: `S = ${S.toString(16)}`,
    signature: concatBytes(honest.signature.subarray(0, 32), le32(S)),
    valid: false,
  })),
]

const flip = (given: Uint8Array, bit: number) =>
  given.with(bit >> 3, (given[bit >> 3] as number) ^ (1 << (bit & 7)))

const ONE_BIT: readonly Verdict[] = [
  { ...honest, what: 'as it was' },
  ...Array.from({ length: 512 }, (_, bit) => ({
    ...honest,
    what: `bit ${bit} of the signature`,
    signature: flip(honest.signature, bit),
    valid: false,
  })),
  ...Array.from({ length: 256 }, (_, bit) => ({
    ...honest,
    what: `bit ${bit} of the key`,
    key: flip(honest.key, bit),
    valid: false,
  })),
  ...Array.from({ length: 24 }, (_, bit) => ({
    ...honest,
    what: `bit ${bit} of the message`,
    message: flip(honest.message, bit),
    valid: false,
  })),
]

const LENGTHS: readonly Verdict[] = [0, 1, 31, 32, 63, 65, 128, 1000].map((length) => {
  const signature = new Uint8Array(length)
  signature.set(honest.signature.subarray(0, length))
  return { ...honest, what: `${length} bytes`, signature, valid: false }
})

/** All odd inputs that are made here, by what is odd about them. */
export const GENERATED = {
  'small and mixed order': SMALL_AND_MIXED,
  'no canonical encoding': NOT_CANONICAL,
  'S of the order or more': S_OUT_OF_RANGE,
  'one bit flipped': ONE_BIT,
  'other lengths': LENGTHS,
}
