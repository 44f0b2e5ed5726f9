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
    // Every import by name stays an import: a package that is forgotten in `dependencies` must fail
    // the layer check, not be copied into our output.
    skipNodeModulesBundle: true,
    // `node:sqlite` exists under no other name.
    removeNodeProtocol: false,
  })

/** The build of a program for Node: what it starts, without declarations. */
export const program = (entries: readonly string[]) =>
  defineConfig({
    entry: entries.map((name) => `src/${name}.ts`),
    format: 'esm',
    clean: true,
    sourcemap: true,
    target: 'es2023',
    platform: 'node',
    skipNodeModulesBundle: true,
    removeNodeProtocol: false,
  })
