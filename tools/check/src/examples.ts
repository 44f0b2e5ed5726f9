/** A fenced block of TypeScript in a Markdown file. */
export interface Example {
  /** The Markdown file, from the root of the repository. */
  readonly file: string
  /** The line of the opening fence, counted from 1. */
  readonly line: number
  readonly code: string
  /** False for a block that is marked `no-run`: it is only type-checked. */
  readonly runs: boolean
}

/** Where documentation with examples lives. */
export const isDocumentation = (path: string): boolean =>
  /^(README\.md|packages\/[^/]+\/README\.md|tools\/[^/]+\/README\.md|docs\/.+\.md)$/.test(path)

/**
 * All examples of a Markdown file. The opening fence is ```` ```ts ```` or ```` ```ts no-run ````; any other
 * spelling of the language would go unchecked, and is an error that names file and line.
 */
export function examplesOf(file: string, markdown: string): Example[] {
  const examples: Example[] = []
  const lines = markdown.split(/\r?\n/)
  for (let at = 0; at < lines.length; at++) {
    const [, indent = '', fence, info = ''] = /^(\s*)(`{3,}|~{3,})\s*(.*?)\s*$/.exec(lines[at] ?? '') ?? []
    if (!fence) continue
    const start = at
    const code: string[] = []
    const isEnd = (line: string): boolean => line.trim().startsWith(fence) && /^(`+|~+)$/.test(line.trim())
    for (at++; at < lines.length && !isEnd(lines[at] ?? ''); at++) {
      const line = lines[at] ?? ''
      code.push(line.startsWith(indent) ? line.slice(indent.length) : line.trimStart())
    }
    if (at === lines.length) throw new Error(`${file}:${start + 1}: this block has no end`)
    const [language = ''] = info.split(/\s/)
    if (info === 'ts' || info === 'ts no-run') {
      examples.push({ file, line: start + 1, code: `${code.join('\n')}\n`, runs: info === 'ts' })
    } else if (/^(ts|tsx|typescript|js|jsx|javascript|mjs|mts)$/i.test(language)) {
      throw new Error(
        `${file}:${start + 1}: write \`\`\`ts or \`\`\`ts no-run, so that the example is checked`,
      )
    }
  }
  return examples
}
