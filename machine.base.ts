import { accessSync, constants } from 'node:fs'
import { basename, delimiter, join } from 'node:path'

/** What some tests need of the machine: the names of a program, one of which has to be on the PATH. */
export interface Need {
  readonly tests: string
  readonly programs: readonly string[]
  /** The Debian package. */
  readonly install: string
  /** The environment variable that makes it an error, if 1, when there is none. */
  readonly required: string
}

const CHROMIUM: Need = {
  tests: 'the tests in a browser',
  programs: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
  install: 'chromium',
  required: 'VESTIBULE_REQUIRE_BROWSER',
}

/** Its sandbox needs rights that a container seldom gives; the tests load nothing but themselves. */
export const CHROMIUM_FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'] as const

/** The Chromium of this machine, or `undefined`: then its tests are left out, and one line on the console says so. */
export const chromium = (): string | undefined => pathOf(CHROMIUM)

/** Where a program is, or `undefined` as for {@link chromium}. */
export function pathOf({ tests, programs, install, required }: Need): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  const found = folders.flatMap((folder) => programs.map((name) => join(folder, name))).find(isExecutable)
  if (found !== undefined) return found
  const message = `${programs.join(', ')}: not on the PATH (apt-get install ${install})`
  if (process.env[required] === '1') throw new Error(message)
  process.stderr.write(`\n${basename(process.cwd())}: LEFT OUT: ${tests}. ${message}\n\n`)
  return undefined
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
