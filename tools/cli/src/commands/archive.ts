import { createReadStream } from 'node:fs'
import { writeFileAtomic } from '@vestibule/keys/node'
import type { Context } from '../context.ts'
import { CliError, EXIT } from '../exit-codes.ts'
import { findSpace } from '../find.ts'
import { printable } from '../output.ts'
import { openPeer } from '../peer.ts'
import { describe } from './space.ts'

/** `vestibule space export SPACE FILE`: all of a space, sealed under a passphrase that it asks for twice. */
export async function exportSpace(
  context: Context,
  wanted: string,
  path: string,
  options: { readonly keys: boolean },
): Promise<void> {
  const { place, output } = context
  await using peer = await openPeer(place, false)
  const space = findSpace(peer, wanted)
  const passphrase = options.keys ? await askTwice(context) : undefined
  const pieces = peer.spaceManager.exportSpace(space.key, passphrase === undefined ? {} : { passphrase })
  await writeFileAtomic(path, pieces).catch((cause: unknown) => {
    throw isOfSystem(cause)
      ? new CliError('FILE_UNWRITABLE', `can't write ${path}: ${cause.message}`, EXIT.data)
      : cause
  })
  const how = passphrase === undefined ? 'without its keys' : 'sealed under your passphrase'
  output.result('exported', { path, ...describe(space) }, `${path}: ${printable(space.name)}, ${how}`)
}

/** `vestibule space import FILE`: asks for the passphrase when the file is sealed. */
export async function importSpace(context: Context, path: string): Promise<void> {
  const { place, output } = context
  await using peer = await openPeer(place, false)
  const source = () => createReadStream(path)
  const importWith = (passphrase?: string) =>
    peer.spaceManager.importSpace(source, passphrase === undefined ? {} : { passphrase })
  try {
    const { space, added, forked } = await importWith().catch(async (error: unknown) => {
      if (!(error instanceof Error && 'code' in error && error.code === 'PASSPHRASE_NEEDED')) throw error
      return importWith(await ask(context, 'Passphrase: '))
    })
    for (const feed of forked)
      output.error(
        'FORKED',
        `The file has another history of the feed ${feed.toHex()}; what both have in common counts.`,
      )
    const text = `${printable(space.name)}: ${added} new ${added === 1 ? 'entry' : 'entries'}`
    output.result('imported', { ...describe(space), added, forked: forked.length }, text)
  } catch (cause) {
    throw isOfSystem(cause)
      ? new CliError('FILE_UNREADABLE', `can't read ${path}: ${cause.message}`, EXIT.data)
      : cause
  }
}

/** Something mistyped would seal it for good. */
async function askTwice(context: Context): Promise<string> {
  const passphrase = await ask(context, 'Passphrase: ')
  if ((await ask(context, 'Once more: ')) !== passphrase)
    throw new CliError(
      'PASSPHRASES_DIFFER',
      'the passphrases are not the same; nothing was written',
      EXIT.usage,
    )
  return passphrase
}

async function ask({ prompt, signal }: Context, question: string): Promise<string> {
  const answer = await prompt.ask(question, { signal })
  if (!answer) throw new CliError('NO_PASSPHRASE', 'no passphrase was given', EXIT.usage)
  return answer
}

const isOfSystem = (error: unknown): error is Error => error instanceof Error && 'syscall' in error
