import { readFile, writeFile } from 'node:fs/promises'

const LENGTH_BYTES = 4

/** Writes credentials one after the other, each behind its length, for another process. */
export async function writeCredentials(path: string, encoded: readonly Uint8Array[]): Promise<void> {
  const parts = encoded.flatMap((one) => {
    const length = Buffer.alloc(LENGTH_BYTES)
    length.writeUInt32LE(one.length)
    return [length, one]
  })
  await writeFile(path, Buffer.concat(parts))
}

/** Reads what {@link writeCredentials} wrote. */
export async function readCredentials(path: string): Promise<Uint8Array[]> {
  const file = await readFile(path)
  const encoded: Uint8Array[] = []
  for (let at = 0; at < file.length; ) {
    const start = at + LENGTH_BYTES
    at = start + file.readUInt32LE(at)
    encoded.push(new Uint8Array(file.subarray(start, at)))
  }
  return encoded
}
