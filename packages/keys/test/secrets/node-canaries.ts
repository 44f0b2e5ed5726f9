import { inspect } from 'node:util'
import { type Canaries, canaries } from './canaries.ts'

/** {@link canaries} that look with everything that `util.inspect` can show. */
export const nodeCanaries = (): Canaries =>
  canaries((value) =>
    inspect(value, {
      showHidden: true,
      depth: 20,
      maxArrayLength: null,
      maxStringLength: null,
      getters: true,
    }),
  )
