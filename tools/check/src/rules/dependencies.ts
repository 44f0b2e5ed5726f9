import { isBuiltin } from 'node:module'
import { type Finding, lineOf } from '../finding.ts'
import { packageOf } from '../imports.ts'
import type { Package, SourceFile, Workspace } from '../workspace.ts'

const RULE = 'dependencies'
/** Its devDependencies are what the documentation's examples import; those are no source files. */
const HOME_OF_EXAMPLES = '@vestibule/check'

/** What is imported is declared, and what is declared is imported. */
export function dependencyFindings(workspace: Workspace): Finding[] {
  const everywhere = Object.keys(workspace.root.devDependencies ?? {})
  return workspace.packages.flatMap((one) => [...undeclared(one, everywhere), ...unused(one)])
}

const isForeign = (one: Package, specifier: string): boolean =>
  !specifier.startsWith('.') && !isBuiltin(specifier) && packageOf(specifier) !== one.manifest.name

function undeclared(one: Package, everywhere: readonly string[]): Finding[] {
  const { manifest } = one
  const shipped = new Set(
    [manifest.dependencies, manifest.peerDependencies, manifest.optionalDependencies].flatMap((group) =>
      Object.keys(group ?? {}),
    ),
  )
  const atHome = new Set([...shipped, ...Object.keys(manifest.devDependencies ?? {}), ...everywhere])
  // A package that nobody installs needs nothing at the user's side.
  const allowed = (file: SourceFile) => (file.isSource && manifest.private !== true ? shipped : atHome)
  return one.files.flatMap((file) =>
    file.imports
      .filter(({ specifier }) => isForeign(one, specifier) && !allowed(file).has(packageOf(specifier)))
      .map(({ specifier, line }) => {
        const where = file.isSource ? 'dependencies' : 'devDependencies'
        const message = `imports ${specifier}, but ${packageOf(specifier)} is not among the ${where} of ${one.folder}/package.json`
        return { file: file.path, line, message, rule: RULE }
      }),
  )
}

function unused(one: Package): Finding[] {
  const { manifest, manifestText } = one
  const sources = one.files.filter((file) => file.isSource)
  const named = optionalPeers(one).filter((name) => sources.some(({ text }) => text.includes(`'${name}'`)))
  const usedBy = (files: readonly SourceFile[]) =>
    new Set([...files.flatMap((file) => file.imports.map(({ specifier }) => packageOf(specifier))), ...named])
  const bySource = usedBy(sources)
  const byAnything = usedBy(one.files)
  const scripts = Object.values(manifest.scripts ?? {}).join(' ')
  const finding = (name: string, message: string): Finding => ({
    file: `${one.folder}/package.json`,
    line: lineOf(manifestText, `"${name}":`),
    message,
    rule: RULE,
  })
  return [
    ...Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })
      .filter((name) => !(manifest.private ? byAnything : bySource).has(name))
      .map((name) => finding(name, `depends on ${name}, which no file below src imports`)),
    ...Object.entries(manifest.devDependencies ?? {})
      // Types are used without an import, and a package of the workspace may be there for the order of tasks.
      .filter(([name, range]) => !name.startsWith('@types/') && !range.startsWith('workspace:'))
      .filter(([name]) => !byAnything.has(name) && !scripts.includes(name))
      .filter(() => manifest.name !== HOME_OF_EXAMPLES)
      .map(([name]) => finding(name, `has ${name} among its devDependencies, which no file imports`)),
  ]
}

/** What may be missing is loaded by a name that bundlers can't follow, for they would fail where it is not there. */
const optionalPeers = ({ manifest }: Package): string[] =>
  Object.entries(manifest.peerDependenciesMeta ?? {}).flatMap(([name, { optional }]) =>
    optional ? [name] : [],
  )
