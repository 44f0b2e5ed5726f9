import type { Keyring } from '@vestibule/keys'
import type { Clock } from '@vestibule/network'
import type { SigningContext } from '../identity/signing-context.ts'

/** What a space works with. All of it is its manager's. */
export interface SpaceParts {
  readonly keyring: Keyring
  readonly signingContext: SigningContext
  readonly clock: Clock
}

/** What a space tells its manager. */
export interface SpaceHooks {
  /** The credentials have changed. */
  readonly onControl: () => void
  /** Nothing of it runs any more. */
  readonly onClosed: () => Promise<void>
}
