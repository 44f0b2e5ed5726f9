/** Opens the storage of the directory in argv[2]; in mode `write` writes pairs for ever and prints each count. */
import { writeSync } from 'node:fs'
import { FileStorage } from '../../src/storage/file/file-storage.ts'

const [directory = '', mode] = process.argv.slice(2)
try {
  const storage = await FileStorage.open(directory)
  const key = (n: number): string => String(n).padStart(8, '0')
  for (let n = (await storage.list('n/')).length; mode === 'write'; n++) {
    const value = new Uint8Array(100 + (n % 5) * 1000).fill(n)
    await storage.transact([
      { key: `n/${key(n)}`, value },
      { key: `m/${key(n)}`, value },
    ])
    writeSync(1, `${n + 1}\n`)
  }
  await storage.close()
} catch (error) {
  writeSync(1, `${(error as { code: string }).code}\n`)
}
