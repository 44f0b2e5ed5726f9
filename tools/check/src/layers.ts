import { formatFinding } from './finding.ts'
import { readFiles, repositoryRoot } from './repository.ts'
import { allFindings } from './rules/all.ts'
import { isWorkspaceFile, readWorkspace } from './workspace.ts'

const workspace = readWorkspace(readFiles(repositoryRoot, isWorkspaceFile))
const findings = allFindings(workspace)
for (const finding of findings) console.log(formatFinding(finding))
const files = workspace.packages.reduce((sum, one) => sum + one.files.length, 0)
console.log(
  `${findings.length === 0 ? 'ok' : `${findings.length} found`}: ${files} files of ${workspace.packages.length} packages`,
)
process.exitCode = findings.length === 0 ? 0 : 1
