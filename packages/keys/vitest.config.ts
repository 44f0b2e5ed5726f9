import { playwright } from '@vitest/browser-playwright'
import type { LaunchOptions } from 'playwright'
import { mergeConfig, type TestProjectInlineConfiguration, type ViteUserConfig } from 'vitest/config'
import { suite } from '../../vitest.base.ts'
import { chromium } from './test/machine.ts'

const node: TestProjectInlineConfiguration = {
  extends: true,
  test: { name: 'node', exclude: ['test/browser/**'] },
}

/** The sandbox needs rights that a container seldom gives; the tests load nothing but themselves. */
const launchOptions: LaunchOptions = {
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
}

const inChromium = (executablePath: string): TestProjectInlineConfiguration => ({
  extends: true,
  resolve: { conditions: ['@vestibule/source', 'module', 'browser'] },
  test: {
    name: 'chromium',
    exclude: ['test/*.test.ts', 'test/!(browser)/**'],
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({ launchOptions: { ...launchOptions, executablePath } }),
      instances: [{ browser: 'chromium' }],
    },
  },
})

const executablePath = chromium()
const browsers: ViteUserConfig = {
  test: { projects: executablePath === undefined ? [node] : [node, inChromium(executablePath)] },
}
export default mergeConfig(suite() as ViteUserConfig, browsers)
