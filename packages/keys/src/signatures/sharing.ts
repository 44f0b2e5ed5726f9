import type { SignatureBackend } from './backends.ts'

/** So many are checked here before whatever else waits for this thread has its turn: about a millisecond. */
const IN_A_TURN = 16

/** What checks on other threads. */
export interface Elsewhere {
  /** Whether it is not long before another signature has its turn. */
  readonly hasRoom: boolean
  readonly verify: SignatureBackend['verify']
}

/** Browsers have timers only, which come a little later. */
const soon = globalThis.setImmediate ?? setTimeout

/**
 * Shares what is given to it at once between the calling thread and others: those get as much as they keep up with, and
 * the calling thread does not wait for them but checks the rest. It is let go now and then.
 *
 * @param here checks on the calling thread
 * @param there without it `here` does it all
 */
export function sharing(here: SignatureBackend, there?: Elsewhere): SignatureBackend {
  let left = IN_A_TURN
  let turn: Promise<void> | undefined
  const nextTurn = (): Promise<void> => {
    turn ??= new Promise((resolve) => {
      soon(() => {
        turn = undefined
        left = IN_A_TURN
        resolve()
      })
    })
    return turn
  }
  const verify: SignatureBackend['verify'] = (key, message, signature) => {
    if (there?.hasRoom) return there.verify(key, message, signature)
    if (left > 0) {
      left--
      return here.verify(key, message, signature)
    }
    return nextTurn().then(() => verify(key, message, signature))
  }
  return { name: here.name, verify }
}
