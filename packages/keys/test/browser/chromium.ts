import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/**
 * The Chromium of this machine, or `undefined`: then the browser's tests are left out, and one line says so. With
 * VESTIBULE_REQUIRE_BROWSER=1 that is an error.
 */
export function chromium(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  const found = folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find(isExecutable)
  if (found !== undefined) return found
  const message = "no Chromium on the PATH: install it to run the browser's tests (apt-get install chromium)"
  if (process.env['VESTIBULE_REQUIRE_BROWSER'] === '1') throw new Error(message)
  console.warn(`@vestibule/keys: ${message}`)
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
