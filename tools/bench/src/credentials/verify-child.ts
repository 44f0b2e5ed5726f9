import { generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'
import { CredentialsError, verifyCredential, verifyCredentials } from '@vestibule/credentials'
import { sodiumBackend } from '@vestibule/keys'
import { serve } from '../child.ts'
import { sharedNow } from '../figures.ts'
import { readCredentials } from './credentials-file.ts'

/** How many a second, and whether all were genuine. */
export interface Rates {
  readonly native: number
  readonly single: number
  readonly bulk: number
  readonly ok: boolean
  /** What checked them. */
  readonly backend: 'node' | 'sodium'
}

/** A process that has not issued what it verifies, for that would be remembered. */
export interface VerifyService {
  /**
   * Verifies one half of a file one by one and the other at once, and as many bare signatures over messages as long.
   * @param from the first credential to take; none may be taken twice
   */
  measure(path: string, from: number, sample: number): Promise<Rates>
}

interface Signed {
  readonly key: KeyObject
  readonly message: Uint8Array
  readonly signature: Uint8Array
}

const KEYS = Array.from({ length: 10 }, () => generateKeyPairSync('ed25519'))
let file: Promise<Uint8Array[]> | undefined

const service: VerifyService = {
  async measure(path, from, sample) {
    file ??= readCredentials(path)
    const all = await file
    const alone = all.slice(from, from + sample)
    const together = all.slice(from + sample, from + 2 * sample)
    const bare = alone.map(bareLike)
    let ok = true
    const native = await rate(sample, async () => {
      for (const { key, message, signature } of bare) ok = verify(null, message, key, signature) && ok
    })
    const single = await rate(sample, async () => {
      for (const one of alone) await verifyCredential(one)
    })
    const bulk = await rate(sample, async () => {
      const verdicts = await verifyCredentials(together)
      ok = ok && !verdicts.some((one) => one instanceof CredentialsError)
    })
    const backend = (await sodiumBackend()) === undefined ? 'node' : 'sodium'
    return { native, single, bulk, ok: ok && together.length === sample, backend }
  },
}

/** A signature over as many bytes as a credential has. */
function bareLike(message: Uint8Array, index: number): Signed {
  const pair = KEYS[index % KEYS.length]
  if (pair === undefined) throw new TypeError('no keys')
  return { key: pair.publicKey, message, signature: sign(null, message, pair.privateKey) }
}

async function rate(count: number, work: () => Promise<void>): Promise<number> {
  const startedAt = sharedNow()
  await work()
  return (count * 1000) / (sharedNow() - startedAt)
}

serve(service)
