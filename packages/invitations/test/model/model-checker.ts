import { type Need, pathOf } from '../../../../machine.base.ts'

const need = (program: string, install: string): Need => ({
  tests: 'the model of the durable budget',
  programs: [program],
  install,
  required: 'VESTIBULE_REQUIRE_SPIN',
})

/** Spin and the compiler that it needs, or `undefined`: then its tests are left out, and the console says so. */
export function modelChecker(): { readonly spin: string; readonly compiler: string } | undefined {
  const spin = pathOf(need('spin', 'spin'))
  const compiler = spin && pathOf(need('gcc', 'gcc libc6-dev'))
  return spin && compiler ? { spin, compiler } : undefined
}
