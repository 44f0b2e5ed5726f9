import { isBuiltin } from 'node:module'
import { posix } from 'node:path'
import type { Finding } from '../finding.ts'
import { packageOf } from '../imports.ts'
import type { SourceFile, Workspace } from '../workspace.ts'

/** Subpaths that say by their name that they are for Node. */
const FOR_NODE = new Set(['./node', './relay', './testing'])

/** Files that may know libp2p: the adapters, the rendezvous protocol and the relay. */
const KNOWS_LIBP2P = /(^|\/)((libp2p|relay|rendezvous)[^/]*\.ts$|(libp2p|relay|rendezvous)\/)/

const LIBP2P = /^(libp2p|@libp2p\/|@chainsafe\/libp2p-)/

/** Every other subpath also runs in a browser: nothing that it can load imports a module of Node. */
export function runtimeFindings(workspace: Workspace): Finding[] {
  const libraries = workspace.packages.filter(({ isTool }) => !isTool)
  const files = new Map(libraries.flatMap((one) => one.files.map((file) => [file.path, file])))
  const packages = new Map(libraries.map((one) => [one.manifest.name, one]))

  const targets = (file: SourceFile, specifier: string): readonly string[] => {
    if (specifier.startsWith('.')) return [posix.join(posix.dirname(file.path), specifier)]
    const to = packages.get(packageOf(specifier))
    return to?.entries.get(`.${specifier.slice(to.manifest.name.length)}`) ?? []
  }

  const found = new Map<string, Finding>()
  const walk = (path: string, trail: readonly string[], visited: Set<string>): void => {
    const file = files.get(path)
    if (!file || visited.has(path)) return
    visited.add(path)
    for (const { specifier, line, typeOnly } of file.imports) {
      if (isBuiltin(specifier)) {
        const way = [...trail, path].slice(1).join(' → ')
        const message = `imports ${specifier}, but a browser loads this file: ${trail[0] ?? path}${way && ` → ${way}`}`
        const key = `${path}:${line}`
        if (!found.has(key)) found.set(key, { file: path, line, message, rule: 'node-only-where-named' })
      } else if (!typeOnly) {
        for (const target of targets(file, specifier)) walk(target, [...trail, path], visited)
      }
    }
  }
  for (const one of libraries) {
    for (const [subpath, sources] of one.entries) {
      if (FOR_NODE.has(subpath)) continue
      for (const source of sources) walk(source, [], new Set())
    }
  }
  return [...found.values()]
}

/** In library packages only the adapters know libp2p; the rest is written against our ports. */
export function libp2pFindings(workspace: Workspace): Finding[] {
  return workspace.packages
    .filter(({ isTool }) => !isTool)
    .flatMap(({ files }) => files)
    .filter((file) => file.isSource && !KNOWS_LIBP2P.test(file.inPackage))
    .flatMap((file) =>
      file.imports
        .filter(({ specifier }) => LIBP2P.test(specifier))
        .map(({ specifier, line }) => ({
          file: file.path,
          line,
          message: `imports ${specifier}; only libp2p*.ts, relay*.ts and rendezvous/ know libp2p`,
          rule: 'libp2p-in-adapters',
        })),
    )
}
