import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomic } from '@vestibule/keys/node'
import { CliError, EXIT } from './exit-codes.ts'

const CONFIG_VERSION = 1
const MAX_RELAYS = 16

/** What the data directory remembers besides keys and spaces: relays that were given or came with a link. */
export interface Config {
  readonly relays: readonly string[]
}

const pathOf = (data: string): string => join(data, 'config.json')

/** @throws CliError for a file that is damaged or of a newer version; it is left as it is */
export async function readConfig(data: string): Promise<Config> {
  const path = pathOf(data)
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw new CliError('CONFIG_UNREADABLE', `can't read ${path}: ${error.message}`, EXIT.data)
  })
  if (text === undefined) return { relays: [] }
  const parsed = parseJson(text)
  if (!isConfig(parsed))
    throw new CliError('CONFIG_CORRUPT', `${path} is damaged; it was left as it is`, EXIT.data)
  if (parsed.version !== CONFIG_VERSION)
    throw new CliError('CONFIG_VERSION', `${path} was written by a newer version`, EXIT.data)
  return { relays: parsed.relays }
}

/** Remembers relays, the newest first; writes only when there is something new. */
export async function rememberRelays(data: string, relays: readonly string[]): Promise<void> {
  const known = await readConfig(data)
  const all = [...new Set([...relays, ...known.relays])].slice(0, MAX_RELAYS)
  if (all.every((relay) => known.relays.includes(relay))) return
  const text = JSON.stringify({ version: CONFIG_VERSION, relays: all }, null, 2)
  await writeFileAtomic(pathOf(data), new TextEncoder().encode(`${text}\n`))
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isConfig(value: unknown): value is { version: number; relays: string[] } {
  if (typeof value !== 'object' || value === null || !('version' in value) || !('relays' in value))
    return false
  return Array.isArray(value.relays) && value.relays.every((relay) => typeof relay === 'string')
}
