import { createHmac, hkdfSync } from 'node:crypto'

type Bytes = Uint8Array | ArrayBuffer

/** A key of HMAC or HKDF. */
class SecretHere {
  readonly bytes: Uint8Array

  constructor(bytes: Bytes) {
    this.bytes = new Uint8Array(bytes)
  }
}

/**
 * What HPKE needs of WebCrypto, done at once: on threads of its own an answer comes when it likes, and a virtual clock
 * would run ahead of it. All else stays with the platform.
 */
const here = {
  importKey(format: 'raw', key: Bytes, algorithm: string | { readonly name: string }, ...rest: unknown[]) {
    const name = typeof algorithm === 'string' ? algorithm : algorithm.name
    if (name === 'HMAC' || name === 'HKDF') return Promise.resolve(new SecretHere(key))
    return Reflect.apply(platform.importKey, platform, [format, key, algorithm, ...rest])
  },
  async sign(algorithm: AlgorithmIdentifier, key: CryptoKey | SecretHere, data: Bytes) {
    if (!(key instanceof SecretHere)) return platform.sign(algorithm, key, new Uint8Array(data))
    const mac = createHmac('sha256', key.bytes).update(new Uint8Array(data))
    return new Uint8Array(mac.digest()).buffer
  },
  async deriveBits(
    params: { readonly name: string; readonly salt: Bytes; readonly info: Bytes },
    key: CryptoKey | SecretHere,
    bits: number,
  ) {
    if (!(key instanceof SecretHere)) return platform.deriveBits(params, key, bits)
    return hkdfSync('sha256', key.bytes, new Uint8Array(params.salt), new Uint8Array(params.info), bits / 8)
  },
}

const platform = globalThis.crypto.subtle
const subtle = new Proxy(platform, {
  get: (target, name) => {
    if (name in here) return here[name as keyof typeof here]
    const value: unknown = Reflect.get(target, name, target)
    return typeof value === 'function' ? value.bind(target) : value
  },
})
Object.defineProperty(globalThis.crypto, 'subtle', { value: subtle, configurable: true })
