/** One thing that is wrong, and where. */
export interface Finding {
  /** Path from the root of the repository. */
  readonly file: string
  /** Counted from 1. */
  readonly line: number
  readonly message: string
  /** The name of the rule that says so. */
  readonly rule: string
}

/** The form that terminals and editors turn into a link. */
export const formatFinding = (finding: Finding): string =>
  `${finding.file}:${finding.line}: ${finding.message} (rule: ${finding.rule})`

/** The line, counted from 1, on which `needle` first stands in `text`; 1 when it is not there. */
export const lineOf = (text: string, needle: string): number => {
  const index = text.indexOf(needle)
  return index < 0 ? 1 : text.slice(0, index).split('\n').length
}
