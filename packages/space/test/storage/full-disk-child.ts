/**
 * Fills the disk below argv[2] through a storage, and says on a line each what came of it. The disk is a small one of
 * its own: nothing but this process sees it.
 */
import { rmSync, statfsSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { FileStorage } from '../../src/storage/file/file-storage.ts'

const directory = join(process.argv[2] ?? '', 'data')
const filler = join(process.argv[2] ?? '', 'filler')
const say = (what: unknown): void => void writeSync(1, `${JSON.stringify(what)}\n`)
const value = (n: number): Uint8Array => new Uint8Array(5000).fill(n)
const key = (n: number): string => `n/${String(n).padStart(4, '0')}`

/** Writes until there is no room. @returns how many were acknowledged, and why it ended */
async function fill(storage: FileStorage): Promise<[number, unknown]> {
  for (let n = (await storage.list('n/')).length; ; n++) {
    try {
      await storage.transact([{ key: key(n), value: value(n) }])
    } catch (error) {
      return [n, (error as { code: unknown }).code]
    }
  }
}

async function whole(storage: FileStorage): Promise<number> {
  const rows = await storage.list('n/')
  for (const [n, [name, held]] of rows.entries())
    if (name !== key(n) || held.length !== 5000 || held.some((byte) => byte !== (n & 0xff)))
      throw new Error(`not as it was written: ${name}`)
  return rows.length
}

// Something of somebody else's, which goes in the end.
writeFileSync(filler, new Uint8Array(150_000))
let storage = await FileStorage.open(directory)
say(await fill(storage))
say(await whole(storage))
await storage.close()

// All that closing gave back is taken, too.
const { bavail, bsize } = statfsSync(directory)
writeFileSync(`${filler}-2`, new Uint8Array(bavail * bsize))
storage = await FileStorage.open(directory)
say(await whole(storage))
await storage.close()

rmSync(filler)
storage = await FileStorage.open(directory)
const count = await whole(storage)
await storage.transact([{ key: key(count), value: value(count) }])
say(await whole(storage))
await storage.close()
