import { posix } from 'node:path'
import type ts from 'typescript'
import { type ImportSite, importsOf, parse } from './imports.ts'

/** The part of a package.json that the rules read. */
export interface Manifest {
  readonly name: string
  readonly private?: boolean
  readonly exports?: Readonly<Record<string, unknown>>
  readonly scripts?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

/** One TypeScript file of a package. */
export interface SourceFile {
  /** From the root of the repository. */
  readonly path: string
  /** From the folder of its package. */
  readonly inPackage: string
  readonly text: string
  readonly syntax: ts.SourceFile
  readonly imports: readonly ImportSite[]
  /** Below `src`, so part of what the package is; everything else tests, builds or shows it. */
  readonly isSource: boolean
}

/** One package of the workspace: a folder below `packages` or `tools`. */
export interface Package {
  readonly folder: string
  readonly isTool: boolean
  readonly manifest: Manifest
  readonly manifestText: string
  readonly files: readonly SourceFile[]
  /** The source files that each public subpath (`.`, `./node`) leads to. */
  readonly entries: ReadonlyMap<string, readonly string[]>
}

/** Everything that the rules look at. */
export interface Workspace {
  readonly packages: readonly Package[]
  readonly root: Manifest
}

/** Does the workspace reader want this file? */
export const isWorkspaceFile = (path: string): boolean =>
  /^(packages|tools)\/[^/]+\/(package\.json|.*\.[cm]?tsx?)$/.test(path) || path === 'package.json'

/** Builds the workspace from the texts of its files by path, as `readFiles` gives them. */
export function readWorkspace(files: ReadonlyMap<string, string>): Workspace {
  const folders = [...files.keys()].flatMap((path) => /^(.+)\/package\.json$/.exec(path)?.[1] ?? [])
  return {
    root: JSON.parse(files.get('package.json') ?? '{"name":"root"}') as Manifest,
    packages: folders.map((folder) => {
      const manifestText = files.get(`${folder}/package.json`) ?? ''
      const manifest = JSON.parse(manifestText) as Manifest
      return {
        folder,
        isTool: folder.startsWith('tools/'),
        manifest,
        manifestText,
        files: [...files].flatMap(([path, text]) =>
          path.startsWith(`${folder}/`) && !path.endsWith('.json') ? [readSource(folder, path, text)] : [],
        ),
        entries: new Map(
          Object.entries(manifest.exports ?? {}).map(([subpath, target]) => [
            subpath,
            sourceTargets(target).map((file) => posix.join(folder, file)),
          ]),
        ),
      }
    }),
  }
}

function readSource(folder: string, path: string, text: string): SourceFile {
  const inPackage = path.slice(folder.length + 1)
  const syntax = parse(path, text)
  return { path, inPackage, text, syntax, imports: importsOf(syntax), isSource: inPackage.startsWith('src/') }
}

/** All files below `src` in one entry of `exports`, under whatever conditions they stand. */
function sourceTargets(target: unknown): string[] {
  if (typeof target === 'string') return target.startsWith('./src/') ? [target] : []
  return typeof target === 'object' && target !== null ? Object.values(target).flatMap(sourceTargets) : []
}
