import { suite } from '../../vitest.base.ts'

export default suite(60_000)
