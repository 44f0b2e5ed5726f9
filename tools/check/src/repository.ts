import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The root of this repository on disk. */
export const repositoryRoot: string = fileURLToPath(new URL('../../..', import.meta.url))

/** Folders that tools write. Everything else is written by people and is checked. */
const WRITTEN_BY_TOOLS: ReadonlySet<string> = new Set([
  '.git',
  '.turbo',
  '.examples',
  'coverage',
  'dist',
  'node_modules',
])

/**
 * All paths of files below `root`, with forward slashes, sorted, without those in folders of a name in
 * `leftOut`. Walks the disk, since an unpacked archive of the sources has no index of git to ask.
 */
export function listFiles(root: string, leftOut = WRITTEN_BY_TOOLS): string[] {
  const paths: string[] = []
  const walk = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) {
        if (!leftOut.has(entry.name)) walk(path)
      } else if (entry.isFile() && !/\.(tgz|tsbuildinfo)$/.test(entry.name)) {
        paths.push(relative(root, path).split(sep).join('/'))
      }
    }
  }
  walk(root)
  return paths.sort()
}

/** The texts of those files below `root` whose path `wanted` accepts, by path. */
export function readFiles(root: string, wanted: (path: string) => boolean): Map<string, string> {
  return new Map(
    listFiles(root)
      .filter(wanted)
      .map((path) => [path, readFileSync(join(root, path), 'utf8')]),
  )
}
