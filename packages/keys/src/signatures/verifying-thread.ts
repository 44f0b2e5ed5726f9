import { PUBLIC_KEY_BYTES, PublicKey } from '../public-key.ts'
import type { SignatureBackend } from './backends.ts'

const workerThreads = () => globalThis.process?.getBuiltinModule?.('node:worker_threads')
type Worker = InstanceType<NonNullable<ReturnType<typeof workerThreads>>['Worker']>

/** A message between threads costs as much as half a signature, so they go in batches. */
const BATCH = 32
/** Most items that a thread has to do. It has the next batch when it is done with one. */
const MOST = 3 * BATCH
const IDLE_MS = 10_000
const SIGNATURE_BYTES = 64

/** What the thread runs. A key that signed once mostly signed more, and importing it into OpenSSL takes its time. */
const PROGRAM = `
const { parentPort, workerData: path } = require('node:worker_threads')
const sodium = path && require(path)
const { createPublicKey, verify } = require('node:crypto')
const keys = new Map()
function imported(raw) {
  const x = Buffer.from(raw).toString('base64url')
  let key = keys.get(x)
  if (key === undefined) {
    key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
    if (keys.size >= 4096) keys.clear()
    keys.set(x, key)
  }
  return key
}
parentPort.on('message', ({ bytes, ends }) => {
  let start = 0
  parentPort.postMessage(ends.map((end) => {
    const key = bytes.subarray(start, start + 32)
    const signature = bytes.subarray(start + 32, start + 96)
    const message = bytes.subarray(start + 96, end)
    start = end
    return sodium ? sodium.crypto_sign_verify_detached(signature, message, key) : verify(null, message, imported(key), signature)
  }))
})
parentPort.postMessage([])
`

type Settle = (holds: boolean | Promise<boolean>) => void

/** What the thread has to do: for each a key, a signature and a message, up to its end in the bytes. */
interface Batch {
  readonly bytes: Uint8Array
  readonly ends: readonly number[]
  readonly settle: readonly Settle[]
}

/** Checks signatures on a thread of its own. It holds up no end of the process, and ends when it had nothing to do. */
export class VerifyingThread {
  readonly #worker: Worker
  readonly #here: SignatureBackend
  readonly #idle: NodeJS.Timeout
  readonly #sent: Batch[] = []
  #bytes = new Uint8Array(16_384)
  #ends: number[] = []
  #settle: Settle[] = []
  #state: 'starting' | 'ready' | 'ended' = 'starting'
  #hasFailed = false

  /**
   * @param here checks what a thread that ends leaves undone
   * @param sodium the file of the module `sodium-native`; without it `node:crypto` checks
   * @returns `undefined` where no thread can be started
   */
  static start(here: SignatureBackend, sodium?: string): VerifyingThread | undefined {
    const threads = workerThreads()
    if (threads === undefined) return undefined
    try {
      // Options and environment of the process are left out: they may load what has no business here.
      const options = { eval: true, execArgv: [], env: {}, workerData: sodium }
      return new VerifyingThread(new threads.Worker(PROGRAM, options), here)
    } catch {
      // Node's permissions may forbid it.
      return undefined
    }
  }

  private constructor(worker: Worker, here: SignatureBackend) {
    this.#worker = worker
    this.#here = here
    this.#idle = setTimeout(() => this.end(), IDLE_MS).unref()
    worker.unref()
    worker.on('message', (verdicts: readonly boolean[]) => this.#take(verdicts))
    const fail = () => {
      this.#hasFailed ||= !this.hasEnded
      this.end()
    }
    worker.on('error', fail)
    worker.on('exit', fail)
  }

  /** Whether it ended, be it for want of work. */
  get hasEnded(): boolean {
    return this.#state === 'ended'
  }

  /** Whether it ended by itself. */
  get hasFailed(): boolean {
    return this.#hasFailed
  }

  get isReady(): boolean {
    return this.#state === 'ready'
  }

  /** Whether it is not long before another signature has its turn. */
  get hasRoom(): boolean {
    return this.isReady && this.#sent.length * BATCH + this.#ends.length < MOST
  }

  /** Checks the equation; the bytes are copied before it returns. */
  verify(key: PublicKey, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
    return new Promise((settle) => {
      if (this.#ends.length === 0) setImmediate(() => this.#send())
      const start = this.#ends.at(-1) ?? 0
      const messageAt = start + PUBLIC_KEY_BYTES + SIGNATURE_BYTES
      const end = messageAt + message.length
      if (end > this.#bytes.length) {
        const larger = new Uint8Array(2 * end)
        larger.set(this.#bytes)
        this.#bytes = larger
      }
      this.#bytes.set(key.toBytes(), start)
      this.#bytes.set(signature, start + PUBLIC_KEY_BYTES)
      this.#bytes.set(message, messageAt)
      this.#settle.push(settle)
      if (this.#ends.push(end) === BATCH) this.#send()
    })
  }

  /** Ends the thread; what it has not done is done here. */
  end(): void {
    if (this.hasEnded) return
    this.#state = 'ended'
    clearTimeout(this.#idle)
    this.#send()
    for (const batch of this.#sent.splice(0)) this.#doHere(batch)
    void this.#worker.terminate()
  }

  #send(): void {
    const [ends, settle] = [this.#ends, this.#settle]
    if (ends.length === 0) return
    const batch: Batch = { bytes: this.#bytes.slice(0, ends.at(-1)), ends, settle }
    this.#ends = []
    this.#settle = []
    if (this.hasEnded) return this.#doHere(batch)
    if (this.#sent.push(batch) === 1) this.#worker.ref()
    this.#worker.postMessage({ bytes: batch.bytes, ends })
  }

  #take(verdicts: readonly boolean[]): void {
    if (this.#state === 'starting') {
      // The first message says that it is there.
      this.#state = 'ready'
      return
    }
    for (const [at, settle] of this.#sent.shift()?.settle.entries() ?? []) settle(verdicts[at] === true)
    if (this.#sent.length > 0) return
    this.#worker.unref()
    this.#idle.refresh()
  }

  #doHere({ bytes, ends, settle }: Batch): void {
    let start = 0
    for (const [at, end] of ends.entries()) {
      const signatureAt = start + PUBLIC_KEY_BYTES
      const messageAt = signatureAt + SIGNATURE_BYTES
      const key = PublicKey.from(bytes.subarray(start, signatureAt))
      settle[at]?.(
        this.#here.verify(key, bytes.subarray(messageAt, end), bytes.subarray(signatureAt, messageAt)),
      )
      start = end
    }
  }
}
