import { basename, join } from 'node:path'
import { defineConfig } from 'vitest/config'

/** With TEST_REPORTS set to a folder, each package also leaves a machine-readable report there. */
const reports = process.env['TEST_REPORTS']

/** Tests run against the sources of the workspace's packages, so that no build can be stale. */
export const suite = (timeoutMs = 10_000) =>
  defineConfig({
    ssr: { resolve: { conditions: ['@vestibule/source', 'module', 'node'] } },
    test: {
      include: ['test/**/*.test.ts'],
      testTimeout: timeoutMs,
      hookTimeout: timeoutMs,
      pool: 'forks',
      reporters: reports ? ['default', 'json'] : ['default'],
      ...(reports && { outputFile: { json: join(reports, `${basename(process.cwd())}.json`) } }),
    },
  })
