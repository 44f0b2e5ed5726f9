import { suite } from '../../vitest.base.ts'

// The properties go over thousands of histories and inputs; a busy machine needs its time for them.
export default suite(60_000)
