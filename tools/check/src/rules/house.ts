import { posix } from 'node:path'
import ts from 'typescript'
import type { Finding } from '../finding.ts'
import { lineOfNode } from '../imports.ts'
import type { SourceFile, Workspace } from '../workspace.ts'

/** Most lines of a source file. Past that it is two things. */
export const MAX_LINES = 400
/** Most source files directly in one folder. */
export const MAX_FILES = 15

/** Small enough to read: the length of source files and the number of them in a folder. */
export function sizeFindings(workspace: Workspace): Finding[] {
  const sources = workspace.packages.flatMap(({ files }) => files.filter(({ isSource }) => isSource))
  const folders = new Map<string, number>()
  for (const { path } of sources)
    folders.set(posix.dirname(path), (folders.get(posix.dirname(path)) ?? 0) + 1)
  return [
    ...sources.flatMap(({ path, text }) => {
      const lines = text.replace(/\n$/, '').split('\n').length
      const message = `has ${lines} lines; ${MAX_LINES} are the most`
      return lines > MAX_LINES ? [{ file: path, line: MAX_LINES + 1, message, rule: 'size' }] : []
    }),
    ...[...folders].flatMap(([folder, count]) => {
      const message = `holds ${count} source files; ${MAX_FILES} are the most`
      return count > MAX_FILES ? [{ file: folder, line: 1, message, rule: 'size' }] : []
    }),
  ]
}

const TESTS = new Set(['describe', 'test', 'it', 'suite', 'bench'])
const LEFT_OUT = new Set(['only', 'skip', 'todo', 'skipIf', 'runIf', 'fails'])

/** Nothing is left for later, left out, or left to chance. */
export function leftoverFindings(workspace: Workspace): Finding[] {
  return workspace.packages.flatMap(({ files }) => files).flatMap((file) => [...notes(file), ...calls(file)])
}

function notes(file: SourceFile): Finding[] {
  const findings: Finding[] = []
  const seen = new Set<number>()
  const look = (ranges: readonly ts.CommentRange[] | undefined): void => {
    for (const { pos, end } of ranges ?? []) {
      if (seen.has(pos)) continue
      seen.add(pos)
      for (const match of file.text.slice(pos, end).matchAll(/\b(TODO|FIXME|XXX)\b/g)) {
        const line = file.syntax.getLineAndCharacterOfPosition(pos + match.index).line + 1
        findings.push({
          file: file.path,
          line,
          message: `says ${match[0]}; do it or say why not`,
          rule: 'leftovers',
        })
      }
    }
  }
  const visit = (node: ts.Node): void => {
    look(ts.getLeadingCommentRanges(file.text, node.getFullStart()))
    look(ts.getTrailingCommentRanges(file.text, node.getEnd()))
    for (const child of node.getChildren(file.syntax)) visit(child)
  }
  visit(file.syntax)
  return findings
}

function calls(file: SourceFile): Finding[] {
  const findings: Finding[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAccessExpression(node)) {
      const line = lineOfNode(file.syntax, node)
      const member = node.name.text
      if (file.isSource && member === 'random' && node.expression.getText(file.syntax) === 'Math') {
        const message =
          'calls Math.random; take randomness from the caller or from the crypto of the platform'
        findings.push({ file: file.path, line, message, rule: 'randomness' })
      } else if (LEFT_OUT.has(member) && TESTS.has(leftmost(node))) {
        const message = `uses .${member}; every test runs, everywhere`
        findings.push({ file: file.path, line, message, rule: 'leftovers' })
      }
    }
    ts.forEachChild(node, visit)
  }
  visit(file.syntax)
  return findings
}

/** `test` of `test.concurrent.only`. */
function leftmost(node: ts.PropertyAccessExpression): string {
  let expression: ts.Expression = node.expression
  while (ts.isPropertyAccessExpression(expression)) expression = expression.expression
  return ts.isIdentifier(expression) ? expression.text : ''
}
