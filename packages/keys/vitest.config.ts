import { playwright } from '@vitest/browser-playwright'
import { mergeConfig, type TestProjectInlineConfiguration, type ViteUserConfig } from 'vitest/config'
import { suite } from '../../vitest.base.ts'
import { chromium } from './test/machine.ts'

const node: TestProjectInlineConfiguration = {
  extends: true,
  test: { name: 'node', exclude: ['test/browser/**'] },
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
      provider: playwright({
        launchOptions: {
          executablePath,
          args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
        },
      }),
      instances: [{ browser: 'chromium' }],
    },
  },
})

const executablePath = chromium()
const browsers: ViteUserConfig = {
  test: { projects: executablePath === undefined ? [node] : [node, inChromium(executablePath)] },
}
export default mergeConfig(suite() as ViteUserConfig, browsers)
