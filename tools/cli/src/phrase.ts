import { Keyring } from '@vestibule/keys'
import type { RecoveryAuthority } from '@vestibule/space'
import type { Context } from './context.ts'
import { CliError, EXIT } from './exit-codes.ts'

/** Asks for a recovery phrase. @throws CliError when none is given; KeysError for one that is mistyped */
export async function askPhrase({ prompt, signal }: Context): Promise<RecoveryAuthority> {
  const phrase = await prompt.ask('Recovery phrase: ', { signal })
  if (phrase === undefined) throw new CliError('NO_PHRASE', 'no phrase was given', EXIT.usage)
  return authorityOf(phrase)
}

/** Held in memory for as long as the command runs. */
export async function authorityOf(phrase: string): Promise<RecoveryAuthority> {
  const keyring = new Keyring()
  return { keyring, keys: await keyring.importRecoveryKeys(phrase) }
}
