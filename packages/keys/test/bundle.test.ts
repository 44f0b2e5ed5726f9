import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { bundled as bundledFrom } from '../../../browser.base.ts'

const bundled = (source: string) => bundledFrom(source, import.meta.dirname)

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
  const { inputs, text } = await bundled("export { PublicKey, verifySignature } from '@vestibule/keys'")
  expect(inputs.filter((input) => /argon|hash-wasm|protobuf|store/.test(input))).toEqual([])
  expect(gzipSync(text).length).toBeLessThan(20_000)
})

test('what needs Node does not bundle for a browser, so that nobody takes it there by mistake', async () => {
  await expect(bundled("export * from '@vestibule/keys/node'")).rejects.toThrow('node:fs/promises')
})
