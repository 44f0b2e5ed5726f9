import { defineConfig } from 'tsup'

/** The one build of every package: ESM with declarations, one output file for each public entry. */
export const library = (entries: readonly string[]) =>
  defineConfig({
    entry: entries.map((name) => `src/${name}.ts`),
    format: 'esm',
    dts: true,
    clean: true,
    sourcemap: true,
    target: 'es2023',
    platform: 'neutral',
    external: [/^node:/],
  })
