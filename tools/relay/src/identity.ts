import { randomBytes } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { writeFileAtomic } from '@vestibule/keys/node'

const SEED = /^[0-9a-f]{64}\n?$/

/**
 * The seed of the relay's node key: the peer id is part of every address given out, so it has to survive a restart.
 * Made at the first start, 0600.
 * @throws Error for a file that holds something else; it is left as it is
 */
export async function readOrMakeSeed(path: string): Promise<Uint8Array> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (text !== undefined) {
    if (!SEED.test(text))
      throw new Error(`${path} does not hold a relay's key (64 hex digits); it was left as it is`)
    return new Uint8Array(Buffer.from(text.trim(), 'hex'))
  }
  const seed = new Uint8Array(randomBytes(32))
  await mkdir(dirname(path), { recursive: true })
  await writeFileAtomic(path, new TextEncoder().encode(`${Buffer.from(seed).toString('hex')}\n`), {
    exclusive: true,
  })
  return seed
}
