import type { Finding } from './finding.ts'

/** Text that is true on one machine only. */
const OF_ONE_MACHINE: readonly (readonly [RegExp, string])[] = [
  [/(?<![\w./:-])\/(work|home\/\w+|Users\/\w+|root|mnt)\/[\w.-]*/g, 'a path of one machine'],
  [/\b[A-Z]:\\Users\\\w+/g, 'a path of one machine'],
  [/\bregistry\.[\w-]+\.[\w.-]+/g, 'the host of a package registry'],
]

/** Where the texts of tracked files, by path, name a machine or a registry. */
export function nameFindings(texts: ReadonlyMap<string, string>): Finding[] {
  return [...texts].flatMap(([file, text]) =>
    OF_ONE_MACHINE.flatMap(([pattern, what]) =>
      [...text.matchAll(pattern)].map((match) => ({
        file,
        line: text.slice(0, match.index).split('\n').length,
        message: `names ${what}: ${match[0]}`,
        rule: 'names',
      })),
    ),
  )
}
