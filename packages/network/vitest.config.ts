import { suite } from '../../vitest.base.ts'

// Real sockets, on machines that may have other things to do.
export default suite(30_000)
