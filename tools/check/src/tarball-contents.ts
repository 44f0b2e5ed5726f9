import { posix } from 'node:path'
import { type Finding, lineOf } from './finding.ts'
import { importsOf, parse } from './imports.ts'

/** The files of an unpacked tarball, by path from its root. */
export type Contents = ReadonlyMap<string, string>

/** What is wrong with the files of the tarball that the package in `folder` was packed into. */
export function contentFindings(folder: string, contents: Contents): Finding[] {
  const manifestText = contents.get('package.json') ?? '{}'
  const manifest = JSON.parse(manifestText) as Record<string, unknown>
  const finding = (path: string, line: number, message: string): Finding => ({
    file: `${folder}/${path}`,
    line,
    message: `${message}, in the tarball`,
    rule: 'tarball',
  })
  return [
    ...['README.md', 'LICENSE']
      .filter((file) => !contents.get(file)?.trim())
      .map((file) => finding('package.json', 1, `${file} is missing`)),
    ...targets([manifest['exports'], manifest['bin'], manifest['types']])
      .filter((target) => !contents.has(posix.normalize(target)))
      .map((target) => finding('package.json', lineOf(manifestText, target), `${target} is missing`)),
    ...[...manifestText.matchAll(/"((workspace|catalog|link|file):[^"]*)"/g)].map(([text, range = '']) =>
      finding(
        'package.json',
        lineOf(manifestText, text),
        `the range ${range} means nothing outside the workspace`,
      ),
    ),
    ...[...contents].flatMap(([path, text]) =>
      path.endsWith('.d.ts')
        ? importsOf(parse(path, text))
            .filter(
              ({ specifier }) =>
                /(?<!\.d)\.[cm]?tsx?$/.test(specifier) || isMissing(path, specifier, contents),
            )
            .map(({ specifier, line }) => finding(path, line, `declarations lead to ${specifier}`))
        : [],
    ),
  ]
}

const isMissing = (from: string, specifier: string, contents: Contents): boolean =>
  specifier.startsWith('.') &&
  !contents.has(posix.join(posix.dirname(from), specifier.replace(/\.js$/, '.d.ts')))

/** All relative paths somewhere in a value of package.json. */
function targets(value: unknown): string[] {
  if (typeof value === 'string') return value.startsWith('./') ? [value] : []
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(targets) : []
}
