import { pathOf } from '../../../../machine.base.ts'

/** Python, or `undefined`: then its test is left out, and the console says so. */
export const python = (): string | undefined =>
  pathOf({
    tests: 'the published exchange, by an implementation in another language',
    programs: ['python3'],
    install: 'python3',
    required: 'VESTIBULE_REQUIRE_PYTHON',
  })
