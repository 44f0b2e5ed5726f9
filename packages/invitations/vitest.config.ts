import { mergeConfig, type ViteUserConfig } from 'vitest/config'
import { suite } from '../../vitest.base.ts'
import { python } from './test/exchange/python.ts'
import { modelChecker } from './test/model/model-checker.ts'

const exclude = [
  ...(modelChecker() === undefined ? ['test/model/budget.test.ts'] : []),
  ...(python() === undefined ? ['test/exchange/other-language.test.ts'] : []),
]

export default mergeConfig(suite() as ViteUserConfig, { test: { exclude } })
