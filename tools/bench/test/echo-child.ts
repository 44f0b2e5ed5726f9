import { serve } from '../src/child.ts'

export interface EchoService {
  twice(n: number): Promise<number>
  fail(why: string): Promise<void>
  /** Ends the process without an answer. */
  leave(code: number): Promise<void>
}

serve<EchoService>({
  async twice(n) {
    return 2 * n
  },
  async fail(why) {
    throw new Error(why)
  },
  leave(code) {
    process.exit(code)
  },
})
