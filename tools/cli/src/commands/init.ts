import { SigningContext } from '@vestibule/space'
import { rememberRelays } from '../config.ts'
import type { Context } from '../context.ts'
import { openStores } from '../peer.ts'

/** `vestibule init --name NAME`: a new identity with this device as its first. */
export async function init({ place, output }: Context, options: { readonly name: string }): Promise<void> {
  const { keyring, storage } = await openStores(place.data)
  try {
    const { identityKey, profile } = await SigningContext.create({
      keyring,
      storage,
      displayName: options.name,
    })
    await rememberRelays(place.data, place.relays)
    const { displayName: name } = profile
    output.result(
      'identity',
      { name, identity: identityKey.toDid(), data: place.data },
      `${name}  ${identityKey}`,
    )
  } finally {
    await storage.close()
  }
}
