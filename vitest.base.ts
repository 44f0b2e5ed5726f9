import { defineConfig } from 'vitest/config'

/** Tests run against the sources of the workspace's packages, so that no build can be stale. */
export const suite = (timeoutMs = 10_000) =>
  defineConfig({
    resolve: { conditions: ['@vestibule/source', 'node'] },
    ssr: { resolve: { conditions: ['@vestibule/source', 'node', 'import', 'default'] } },
    test: { include: ['test/**/*.test.ts'], testTimeout: timeoutMs, hookTimeout: timeoutMs, pool: 'forks' },
  })
