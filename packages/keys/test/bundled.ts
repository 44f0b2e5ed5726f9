import { build } from 'esbuild'

/** What a bundler makes of a module for a browser. It knows no module of Node there, and fails on one. */
export async function bundled(source: string) {
  const { outputFiles, metafile, warnings } = await build({
    stdin: { contents: source, resolveDir: import.meta.dirname },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    conditions: ['@vestibule/source'],
    metafile: true,
    write: false,
    logLevel: 'silent',
  })
  const inputs = Object.values(metafile.outputs).flatMap((output) =>
    Object.entries(output.inputs).flatMap(([path, input]) => (input.bytesInOutput > 0 ? [path] : [])),
  )
  return { text: outputFiles[0]?.text ?? '', inputs, warnings }
}
