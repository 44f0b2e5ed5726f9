import { posix } from 'node:path'
import type { Finding } from '../finding.ts'
import { packageOf } from '../imports.ts'
import type { Package, SourceFile, Workspace } from '../workspace.ts'

const RULE = 'layers'

/** What each library package may import, by folder. Imports point towards `keys`, never away from it. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'packages/keys': [],
  'packages/credentials': ['packages/keys'],
  'packages/network': ['packages/keys'],
  'packages/space': ['packages/keys', 'packages/credentials', 'packages/network'],
  'packages/invitations': ['packages/keys', 'packages/credentials', 'packages/network', 'packages/space'],
  'packages/client': [
    'packages/keys',
    'packages/credentials',
    'packages/network',
    'packages/space',
    'packages/invitations',
  ],
  'packages/react': [
    'packages/keys',
    'packages/credentials',
    'packages/network',
    'packages/space',
    'packages/invitations',
    'packages/client',
  ],
}

/** Who may import whom, and only through the front door. */
export function layerFindings(workspace: Workspace): Finding[] {
  const byName = new Map(workspace.packages.map((one) => [one.manifest.name, one]))
  return workspace.packages.flatMap((from) => [
    ...unplaced(from),
    ...from.files.flatMap((file) =>
      file.imports.flatMap(({ specifier, line }) => {
        const message = specifier.startsWith('.')
          ? relativeProblem(from, file, specifier)
          : namedProblem(from, file, specifier, byName.get(packageOf(specifier)))
        return message === undefined ? [] : [{ file: file.path, line, message, rule: RULE }]
      }),
    ),
  ])
}

function unplaced(from: Package): Finding[] {
  if (from.isTool || MAY_IMPORT[from.folder]) return []
  const message = `${from.manifest.name} has no place among the layers; give it one in tools/check/src/rules/layers.ts`
  return [{ file: `${from.folder}/package.json`, line: 1, message, rule: RULE }]
}

function relativeProblem(from: Package, file: SourceFile, specifier: string): string | undefined {
  const target = posix.join(posix.dirname(file.path), specifier)
  if (target.startsWith(`${from.folder}/`)) return undefined
  // What builds and tests a package shares the files at the root with the others.
  if (!file.isSource && !target.includes('/')) return undefined
  return `reaches out of ${from.folder} to ${target}; import the other package by its name`
}

function namedProblem(
  from: Package,
  file: SourceFile,
  specifier: string,
  to: Package | undefined,
): string | undefined {
  if (!to) return undefined
  const subpath = `.${specifier.slice(to.manifest.name.length)}`
  if (!to.entries.has(subpath)) return `imports ${specifier}, which ${to.manifest.name} does not export`
  if (to === from) return file.isSource ? `imports its own package by name (${specifier})` : undefined
  if (from.isTool) return undefined
  if (to.isTool) return `imports the tool ${specifier}; packages never depend on tools`
  const allowed = MAY_IMPORT[from.folder] ?? []
  if (allowed.includes(to.folder)) return undefined
  const names = allowed.map((folder) => posix.basename(folder)).join(', ') || 'no other package'
  return `imports ${specifier}; ${posix.basename(from.folder)} may import ${names}`
}
