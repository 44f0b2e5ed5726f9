import { playwright } from '@vitest/browser-playwright'
import type { LaunchOptions } from 'playwright'
import { mergeConfig, type TestProjectInlineConfiguration, type ViteUserConfig } from 'vitest/config'
import { CHROMIUM_FLAGS, chromium } from './machine.base.ts'
import { suite } from './vitest.base.ts'

/** `test/browser` runs in Chromium, `test/killed-browser` starts one itself, and all else runs in Node. */
export function suiteWithBrowser(): ViteUserConfig {
  const executablePath = chromium()
  const projects =
    executablePath === undefined
      ? [inNode(['test/browser/**', 'test/killed-browser/**'])]
      : [inNode(['test/browser/**']), inChromium({ executablePath, args: [...CHROMIUM_FLAGS] })]
  return mergeConfig(suite() as ViteUserConfig, { test: { projects } })
}

const inNode = (exclude: string[]): TestProjectInlineConfiguration => ({
  extends: true,
  test: { name: 'node', exclude },
})

const inChromium = (launchOptions: LaunchOptions): TestProjectInlineConfiguration => ({
  extends: true,
  resolve: { conditions: ['@vestibule/source', 'module', 'browser'] },
  // All that the tests import is found before the first of them runs: what is found later reloads the page.
  optimizeDeps: { entries: ['test/browser/*.test.ts'] },
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
