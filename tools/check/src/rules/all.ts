import type { Finding } from '../finding.ts'
import type { Workspace } from '../workspace.ts'
import { dependencyFindings } from './dependencies.ts'
import { leftoverFindings, sizeFindings } from './house.ts'
import { layerFindings } from './layers.ts'
import { libp2pFindings, runtimeFindings } from './runtimes.ts'

/** What all rules find, by file and line. */
export function allFindings(workspace: Workspace): Finding[] {
  return [layerFindings, dependencyFindings, runtimeFindings, libp2pFindings, sizeFindings, leftoverFindings]
    .flatMap((rule) => rule(workspace))
    .sort((a, b) => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1))
}
