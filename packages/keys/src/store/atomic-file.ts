import { randomBytes } from 'node:crypto'
import { constants, type FileHandle, link, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

const TEMPORARY = '.tmp'

interface AtomicWrite {
  /** Permissions of the new file; 0600 unless given. */
  readonly mode?: number
  /** Fail with `EEXIST` instead of replacing a file that is there. */
  readonly exclusive?: boolean
}

/**
 * Writes a whole file so that after a crash at any moment either all of it is there under its name or
 * nothing new is: a temporary file beside it is written, synced and given the name, then the folder is synced.
 */
export async function writeFileAtomic(
  path: string,
  data: Uint8Array | AsyncIterable<Uint8Array>,
  write: AtomicWrite = {},
): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}${TEMPORARY}`
  try {
    await withFile(
      temporary,
      constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY,
      write.mode ?? 0o600,
      (file) => file.writeFile(data).then(() => file.sync()),
    )
    if (write.exclusive === true) {
      await link(temporary, path)
      // The file is there: that its other name could not be removed makes no difference to it.
      await rm(temporary, { force: true }).catch(() => {})
    } else await rename(temporary, path)
    await syncFolder(dirname(path))
  } catch (error) {
    // What went wrong first is what is told.
    await rm(temporary, { force: true }).catch(() => {})
    throw error
  }
}

/** Whether a file is what a killed {@link writeFileAtomic} may have left beside the file of this name. */
export const isTemporaryOf = (name: string, file: string): boolean =>
  file.startsWith(`${name}.`) && file.endsWith(TEMPORARY)

/** Makes a folder with its parents, so that they are there after a crash, too. */
export async function makeFolder(path: string, mode: number): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode })
  if (first === undefined) return
  for (let made = resolve(path); ; made = dirname(made)) {
    await syncFolder(dirname(made))
    if (made === resolve(first) || made === dirname(made)) return
  }
}

/** Makes changed names in a folder durable. Windows can't open folders, and needs no such thing. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  await withFile(path, constants.O_RDONLY, 0, (folder) => folder.sync())
}

async function withFile<T>(
  path: string,
  flags: number,
  mode: number,
  use: (file: FileHandle) => Promise<T>,
): Promise<T> {
  const file = await open(path, flags, mode)
  try {
    return await use(file)
  } finally {
    await file.close()
  }
}
