import type { SignatureBackend } from './backends.ts'
import type { Elsewhere } from './sharing.ts'
import type { VerifyingThread } from './verifying-thread.ts'

/** For fewer a thread is not begun: they are done before it is there. */
const WORTH_A_THREAD = 1000
/** Node's own threads do other things, too. */
const MOST_IN_POOL = 48

/**
 * Node's own threads, which are there but take one signature at a time, and as soon as there was much to check one more,
 * which takes many.
 */
export class OtherThreads implements Elsewhere {
  readonly #pool: SignatureBackend
  readonly #start: () => VerifyingThread | undefined
  #inPool = 0
  #thread: VerifyingThread | undefined

  /** @param pool checks on Node's own threads */
  constructor(pool: SignatureBackend, start: () => VerifyingThread | undefined) {
    this.#pool = pool
    this.#start = start
  }

  /** Says how many will come. */
  expect(count: number): void {
    if (count < WORTH_A_THREAD || this.#thread?.hasFailed === true) return
    if (this.#thread === undefined || this.#thread.hasEnded) this.#thread = this.#start()
  }

  get hasRoom(): boolean {
    return this.#thread?.isReady === true ? this.#thread.hasRoom : this.#inPool < MOST_IN_POOL
  }

  async verify(...signed: Parameters<SignatureBackend['verify']>): Promise<boolean> {
    if (this.#thread?.hasRoom === true) return this.#thread.verify(...signed)
    this.#inPool++
    try {
      return await this.#pool.verify(...signed)
    } finally {
      this.#inPool--
    }
  }
}
