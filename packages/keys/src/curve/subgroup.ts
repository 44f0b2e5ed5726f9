/**
 * Whether a point of edwards25519 (affine, on the curve) lies in the prime-order subgroup, in three modular powers
 * where multiplying by L takes several times as long.
 *
 * The curve's group is cyclic of order 8 L, so a point is in the subgroup if and only if it is 8 times another one.
 * On the Montgomery curve v² = u³ + A u² + u:
 * 1. It is twice a point if and only if u is a square. It is halved through the dual of the isogeny with kernel
 *    (0, 0) and then that isogeny: two square roots.
 * 2. Its half is 4 times a point if and only if the reduced Tate pairing with S = (1, s) of order 4 is 1: one power.
 *    Which half it is makes no difference: they differ by the point of order 2, which is itself 4 times a point.
 *
 * Nothing is inverted: coordinates are fractions, and squares and fourth powers may be multiplied away before each
 * test. For public data only; the time it takes depends on the point.
 *
 * @see Pornin, "Point-Halving and Subgroup Membership in Twisted Edwards Curves" (ePrint 2022/1164);
 *   Koshelev, "Subgroup membership testing on elliptic curves via the Tate pairing" (ePrint 2022/037)
 */
export function isInPrimeSubgroup({ x, y }: { readonly x: bigint; readonly y: bigint }): boolean {
  // (0, 1) is the neutral element; (0, -1) has order 2 and is no affine point of the other curve.
  if (x === 0n) return y === 1n
  // u = n / d and v = c u / x (RFC 7748, section 4.1); with q² = n d, w = √u is q / d and v / w is c q / (d x).
  const n = 1n + y
  const d = 1n - y
  const nd = root(mod(n * d))
  if (nd.twist !== 0) return false
  const q = nd.value
  // The first coordinate of a preimage on the isogenous curve is m / e = 2 u + A - 2 v / w.
  const e = mod(d * x)
  const cq = mod(C * q)
  const m = mod(2n * mod(n * x) + A * e - 2n * cq)
  // z = √(m / e) as a fraction. Of ±w exactly one gives a square; the product of both first coordinates is A² - 4,
  // so the power that shows the first one not to be a square gives the root of the other.
  const me = root(mod(m * e))
  const sign = me.twist === 0 ? 1n : -1n
  const zn = me.twist === 0 ? me.value : mod(e * (me.twist === 1 ? OTHER_ROOT : OTHER_ROOT_TWISTED))
  const zd = me.twist === 0 ? e : me.value
  // The half is (h / g, z h / g), with h / g = u - v / w - w z.
  const h = mod(mod(n * x) * zd - sign * (cq * zd + q * mod(x * zn)))
  const g = mod(e * zd)
  // The pairing's function with divisor 4 (S) - 4 (O) is (v - s u)² / u, up to fourth powers of the denominators.
  const line = mod(mod(zn - S * zd) * zd)
  const f = mod(mod(h * g) * mod(mod(g * g) * mod(line * line)))
  return power253(f) === 1n
}

const P = 2n ** 255n - 19n
const A = 486662n

const mod = (a: bigint): bigint => {
  const r = a % P
  return r < 0n ? r + P : r
}

const squared = (a: bigint, times: number): bigint => {
  let r = a
  for (let i = 0; i < times; i++) r = (r * r) % P
  return r
}

/** a^(2^250 - 1), by the chain of lengths 1, 2, 3, 5, 10, 20, 40, 50, 100, 200, 250. */
function power250(a: bigint): bigint {
  const e2 = (squared(a, 1) * a) % P
  const e3 = (squared(e2, 1) * a) % P
  const e5 = (squared(e3, 2) * e2) % P
  const e10 = (squared(e5, 5) * e5) % P
  const e20 = (squared(e10, 10) * e10) % P
  const e40 = (squared(e20, 20) * e20) % P
  const e50 = (squared(e40, 10) * e10) % P
  const e100 = (squared(e50, 50) * e50) % P
  const e200 = (squared(e100, 100) * e100) % P
  return (squared(e200, 50) * e50) % P
}

/** a^((p - 1) / 4) = a^(2^253 - 5): 1 if and only if a is a fourth power. */
function power253(a: bigint): bigint {
  return (squared(power250(a), 3) * mod(mod(a * a) * a)) % P
}

/**
 * A square root of a (twist 0), or when there is none a value whose square is a times √-1 (twist 1) or a times -√-1
 * (twist -1). From r = a^((p + 3) / 8) = a^(2^252 - 2), whose square is a times a fourth root of one.
 */
function root(a: bigint): { readonly value: bigint; readonly twist: 0 | 1 | -1 } {
  const r = squared((squared(power250(a), 1) * a) % P, 1)
  const square = (r * r) % P
  if (square === a) return { value: r, twist: 0 }
  if (square === P - a) return { value: (r * I) % P, twist: 0 }
  return { value: r, twist: square === (a * I) % P ? 1 : -1 }
}

/** √-1 = 2^((p - 1) / 4). */
const I = power253(2n)

function constantRoot(a: bigint): bigint {
  const { value, twist } = root(mod(a))
  if (twist !== 0) throw new TypeError('no square')
  return value
}

/** Of the map between the curves. Either root serves, here and below. */
const C = constantRoot(-486664n)
/** (1, s) has order 4 on the Montgomery curve. */
const S = constantRoot(A + 2n)
/** With r² = √-1 m e, the other first coordinate is e² (A² - 4) √-1 / r². */
const OTHER_ROOT = constantRoot((A * A - 4n) * I)
const OTHER_ROOT_TWISTED = constantRoot((4n - A * A) * I)
