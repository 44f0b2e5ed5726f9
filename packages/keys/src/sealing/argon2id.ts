/** What a guess at a passphrase costs: the parameters of Argon2id. */
export interface SealingCost {
  /** Memory in KiB, from 8 MiB to 256 MiB. */
  readonly memoryKib: number
  /** How often the memory is passed over, from 1 to 16. */
  readonly passes: number
  /** Lanes that could be filled side by side, from 1 to 4. They are filled one after the other here. */
  readonly lanes: number
}

/** 64 MiB, three passes: the second recommendation of RFC 9106, section 4, with one lane. */
export const DEFAULT_SEALING_COST: SealingCost = { memoryKib: 64 * 1024, passes: 3, lanes: 1 }

const LIMITS = { memoryKib: [8 * 1024, 256 * 1024], passes: [1, 16], lanes: [1, 4] } as const

/**
 * Says why a cost is out of bounds, or `undefined` when it is fine. What was sealed names its own cost, and is
 * read before anything proves where it came from: without bounds it could ask for gigabytes.
 */
export function costProblem(cost: SealingCost): string | undefined {
  for (const name of ['memoryKib', 'passes', 'lanes'] as const) {
    const [least, most] = LIMITS[name]
    if (!Number.isInteger(cost[name]) || cost[name] < least || cost[name] > most)
      return `${name} has to be from ${least} to ${most}, got ${cost[name]}`
  }
  return undefined
}

/** One implementation of Argon2id (version 1.3). */
export type Argon2id = (
  password: Uint8Array,
  salt: Uint8Array,
  cost: SealingCost,
  length: number,
) => Promise<Uint8Array>

/** WebAssembly. Loaded at the first use, because it compiles half a megabyte that most programs never need. */
export const wasmArgon2id: Argon2id = async (password, salt, cost, length) => {
  const { argon2id } = await import('hash-wasm')
  return argon2id({
    password,
    salt,
    memorySize: cost.memoryKib,
    iterations: cost.passes,
    parallelism: cost.lanes,
    hashLength: length,
    outputType: 'binary',
  })
}

/** JavaScript: the reference, three times slower. */
export const nobleArgon2id: Argon2id = async (password, salt, cost, length) => {
  const { argon2idAsync } = await import('@noble/hashes/argon2.js')
  return argon2idAsync(password, salt, {
    m: cost.memoryKib,
    t: cost.passes,
    p: cost.lanes,
    dkLen: length,
  })
}

/**
 * Argon2id by the fastest implementation that runs here.
 * @see RFC 9106
 */
export const argon2id: Argon2id = async (password, salt, cost, length) => {
  try {
    return await wasmArgon2id(password, salt, cost, length)
  } catch {
    // A content security policy without 'wasm-unsafe-eval' refuses to compile it.
    return nobleArgon2id(password, salt, cost, length)
  }
}
