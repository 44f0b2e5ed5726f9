import { ed25519 } from '@noble/curves/ed25519.js'
import { base64Url, nodeCrypto } from '../curve/native-keys.ts'
import { PublicKey } from '../public-key.ts'
import { OtherThreads } from './other-threads.ts'
import { GENUINE } from './probes.ts'
import { pointIsTorsionFree } from './safe-key.ts'
import { sharing } from './sharing.ts'
import { fileOf, loadSodium, type Sodium, sodiumFor } from './sodium.ts'
import { VerifyingThread } from './verifying-thread.ts'

/** Checks the cofactorless Ed25519 equation; one implementation of the last step of `verifySignature`. */
export interface SignatureBackend {
  readonly name: 'noble' | 'node' | 'sodium' | 'webcrypto'
  verify(key: PublicKey, message: Uint8Array, signature: Uint8Array): boolean | Promise<boolean>
}

/** noble: the reference, and the fallback where the runtime has no Ed25519. */
export const nobleBackend: SignatureBackend = {
  name: 'noble',
  // noble multiplies by the cofactor. With A torsion-free, its verdict differs from the cofactorless
  // equation's just where R has a torsion component, so such an R is refused.
  verify: (key, message, signature) =>
    pointIsTorsionFree(signature.subarray(0, 32)) &&
    ed25519.verify(signature, message, key.toBytes(), { zip215: false }),
}

type NodeCrypto = NonNullable<ReturnType<typeof nodeCrypto>>

/** `node:crypto` (OpenSSL), or `undefined` where it is not there. */
export function nodeBackend(): SignatureBackend | undefined {
  const crypto = nodeCrypto()
  if (crypto === undefined) return undefined
  const imported = importing(crypto)
  return {
    name: 'node',
    verify: (key, message, signature) => crypto.verify(null, message, imported(key), signature),
  }
}

/** The same on Node's own threads; the bytes are copied before it returns. */
export function nodeThreadsBackend(): SignatureBackend | undefined {
  const crypto = nodeCrypto()
  if (crypto === undefined) return undefined
  const imported = importing(crypto)
  return {
    name: 'node',
    verify: (key, message, signature) =>
      new Promise((resolve, reject) => {
        crypto.verify(null, message, imported(key), signature, (error, holds) => {
          if (error === null) resolve(holds)
          else reject(error)
        })
      }),
  }
}

function importing(crypto: NodeCrypto) {
  const imported = new WeakMap<PublicKey, ReturnType<NodeCrypto['createPublicKey']>>()
  return (key: PublicKey) => {
    let native = imported.get(key)
    if (native === undefined) {
      const x = base64Url(key.toBytes())
      native = crypto.createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
      imported.set(key, native)
    }
    return native
  }
}

/**
 * libsodium by the optional package `sodium-native`, or `undefined` where that is not installed. It takes what the
 * cofactorless equation does but for an R of small order. Of a torsion-free A that is never one that is genuine,
 * except the identity, which `verifySignature` refuses before.
 */
export async function sodiumBackend(): Promise<SignatureBackend | undefined> {
  const sodium = await loadSodium()
  return sodium && backendOf(sodium)
}

const backendOf = (sodium: Sodium): SignatureBackend => ({
  name: 'sodium',
  verify: (key, message, signature) => sodium.crypto_sign_verify_detached(signature, message, key.toBytes()),
})

/** WebCrypto, or `undefined` where there is no `crypto.subtle` (an insecure page). */
export function webCryptoBackend(): SignatureBackend | undefined {
  const subtle = globalThis.crypto?.subtle
  if (subtle === undefined) return undefined
  const imported = new WeakMap<PublicKey, Promise<CryptoKey>>()
  return {
    name: 'webcrypto',
    verify: async (key, message, signature) => {
      // Copied before anything is waited for: what was checked is what is verified.
      const [signed, data] = [own(signature), own(message)]
      let native = imported.get(key)
      if (native === undefined) {
        native = subtle.importKey('raw', own(key.toBytes()), 'Ed25519', false, ['verify'])
        imported.set(key, native)
      }
      return subtle.verify('Ed25519', await native, signed, data)
    },
  }
}

/** WebCrypto's types ask for bytes that are not shared between threads. */
const own = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes)

let working: Promise<SignatureBackend | undefined> | undefined

/** WebCrypto, where it is there and knows Ed25519; tried once. */
function workingWebCrypto(): Promise<SignatureBackend | undefined> {
  working ??= (async () => {
    const web = webCryptoBackend()
    if (web === undefined) return undefined
    const { key, message, signature } = GENUINE
    const works = await Promise.resolve(web.verify(PublicKey.from(key), message, signature)).catch(
      () => false,
    )
    return works ? web : undefined
  })()
  return working
}

/** What checks one signature, and what checks so many at once. */
interface Choice {
  readonly one: SignatureBackend
  readonly many: (count: number) => SignatureBackend
}

const choices = new Map<Sodium | undefined, Promise<Choice>>()

async function choose(count: number): Promise<Choice> {
  const sodium = await sodiumFor(count)
  const known = choices.get(sodium)
  if (known !== undefined) return known
  const choice = choiceWith(sodium)
  choices.set(sodium, choice)
  return choice
}

async function choiceWith(sodium: Sodium | undefined): Promise<Choice> {
  const here = sodium === undefined ? nodeBackend() : backendOf(sodium)
  const pool = nodeThreadsBackend()
  if (here !== undefined && pool !== undefined) {
    const threads = new OtherThreads(pool, () => VerifyingThread.start(here, sodium && fileOf(sodium)))
    const many = sharing(here, threads)
    return {
      one: here,
      many: (count) => {
        threads.expect(count)
        return many
      },
    }
  }
  const web = await workingWebCrypto()
  const many = web ?? sharing(nobleBackend)
  return { one: web ?? nobleBackend, many: () => many }
}

/**
 * The fastest backend of this runtime that verifies at all. Browsers without Ed25519 in WebCrypto get noble.
 * @param count how many signatures are to be checked now; where there were many, libsodium is worth loading
 */
export const fastestBackend = async (count = 1): Promise<SignatureBackend> => (await choose(count)).one

/**
 * The backend for many signatures that are given to it at once. In Node the calling thread and others share them; in a
 * browser WebCrypto has threads of its own.
 * @param count how many there are
 */
export const threadedBackend = async (count: number): Promise<SignatureBackend> =>
  (await choose(count)).many(count)
