import { playwright } from '@vitest/browser-playwright'
import type { LaunchOptions } from 'playwright'
import { mergeConfig, type TestProjectInlineConfiguration, type ViteUserConfig } from 'vitest/config'
import { suite } from '../../vitest.base.ts'
import { CHROMIUM_FLAGS, chromium } from './test/machine.ts'

const executablePath = chromium()

const inNode: TestProjectInlineConfiguration = {
  extends: true,
  test: {
    name: 'node',
    exclude: ['test/browser/**', ...(executablePath === undefined ? ['test/killed-browser/**'] : [])],
  },
}

const inChromium = (launchOptions: LaunchOptions): TestProjectInlineConfiguration => ({
  extends: true,
  resolve: { conditions: ['@vestibule/source', 'module', 'browser'] },
  test: {
    name: 'chromium',
    exclude: ['test/*.test.ts', 'test/!(browser)/**'],
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({ launchOptions }),
      instances: [{ browser: 'chromium' }],
    },
  },
})

const projects =
  executablePath === undefined
    ? [inNode]
    : [inNode, inChromium({ executablePath, args: [...CHROMIUM_FLAGS] })]
export default mergeConfig(suite() as ViteUserConfig, { test: { projects } })
