import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { expect, test } from 'vitest'

/** What a bundler makes of these entries for a browser. It knows no module of Node there, and fails on one. */
async function bundled(source: string) {
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
  const [file] = outputFiles
  const inputs = Object.values(metafile.outputs).flatMap((output) =>
    Object.entries(output.inputs).flatMap(([path, input]) => (input.bytesInOutput > 0 ? [path] : [])),
  )
  return { bytes: gzipSync(file?.contents ?? '').length, inputs, warnings }
}

test('a bundle for a browser has nothing of Node, of the keychain or of the tests in it', async () => {
  const { inputs, warnings } = await bundled(
    ['', '/browser', '/wire'].map((entry) => `export * from '@vestibule/keys${entry}'`).join('\n'),
  )
  expect(warnings).toEqual([])
  expect(inputs.filter((input) => /^node:|napi-rs|vitest|src\/(node|testing)\.ts|file/.test(input))).toEqual(
    [],
  )
})

test('who only verifies signatures loads 20 KB, and neither Argon2 nor protobuf', async () => {
  const { inputs, bytes } = await bundled("export { PublicKey, verifySignature } from '@vestibule/keys'")
  expect(inputs.filter((input) => /argon|hash-wasm|protobuf|store/.test(input))).toEqual([])
  expect(bytes).toBeLessThan(20_000)
})

test('what needs Node does not bundle for a browser, so that nobody takes it there by mistake', async () => {
  await expect(bundled("export * from '@vestibule/keys/node'")).rejects.toThrow('node:fs/promises')
})
