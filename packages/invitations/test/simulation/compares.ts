import { type MockInstance, vi } from 'vitest'
import { HostSession } from '../../src/driver/host-session.ts'

let compares: MockInstance<() => boolean> | undefined

/** From now on every comparison of a code is counted, anew. @returns a function that ends it */
export function countCompares(): () => void {
  const counted = vi.spyOn(HostSession.prototype, 'compare')
  compares = counted
  return () => counted.mockRestore()
}

/** How many wrong codes were compared. */
export const wrongCompares = (): number =>
  compares?.mock.results.filter(({ value }) => value === false).length ?? 0
