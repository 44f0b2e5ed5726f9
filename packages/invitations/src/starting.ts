import { bytesToHex } from '@noble/hashes/utils.js'
import { NetworkError } from '@vestibule/network'
import { InvitationError } from './errors.ts'
import type { Hosting } from './hosting.ts'
import { Invitation } from './invitation.ts'
import { encodeInvitation } from './link/link.ts'
import { deriveLinkKeys } from './link/link-keys.ts'
import type { InvitationObservable } from './observable.ts'
import type { HostChoices } from './options.ts'
import type { StoredInvitation } from './records.ts'

/** More of a host's own addresses make the link long; the relays are there for the rest. */
const MAX_HOST_HINTS = 3

/** When it ends. */
export const expiry = (now: number, { lifetimeS }: HostChoices): number => now + lifetimeS * 1000

/** What an application sees first of an invitation that is stored. */
export function storedInvitation(
  { link, code, createdAtMs, timeoutMs, persistent, guestKey }: StoredInvitation,
  { fields }: Hosting,
): Invitation {
  return new Invitation(
    {
      invitationId: bytesToHex(deriveLinkKeys(link.secret).invitationId),
      kind: link.kind,
      type: link.type,
      authMethod: link.authMethod,
      multiUse: link.multiUse,
      state: 'INIT',
      timeout: timeoutMs,
      persistent,
      created: new Date(createdAtMs),
      lifetime: Math.round((link.expiresAtMs - createdAtMs) / 1000),
      expires: new Date(link.expiresAtMs),
      ...fields,
      ...(link.target !== undefined && { target: link.target }),
      ...(link.guest?.type === 'KEY_HASH' && guestKey && { guestKey: String(guestKey) }),
    },
    { link: encodeInvitation(link), ...(code && { authCode: code.unwrap() }) },
  )
}

/** Addresses that lead to this device without a relay; those of the loopback only when there are no others. */
export function directAddresses(addresses: readonly string[]): string[] {
  const direct = addresses.filter((address) => !address.includes('/p2p-circuit'))
  const public_ = direct.filter((address) => !/^\/ip(4\/127\.|6\/::1\/)/.test(address))
  return (public_.length > 0 ? public_ : direct).slice(0, MAX_HOST_HINTS)
}

/** Ends an observable whose driver could not begin. */
export function fail(observable: InvitationObservable, error: unknown): void {
  observable.update(observable.invitation.with({ state: 'ERROR' }), toInvitationError(error))
}

function toInvitationError(error: unknown): InvitationError {
  if (error instanceof InvitationError) return error
  const code = error instanceof NetworkError ? 'NETWORK_FAILED' : 'STORAGE_FAILED'
  return new InvitationError(code, { cause: error })
}

/** Cancels an invitation when a signal says so, as long as it has not ended. */
export function cancelOnAbort(observable: InvitationObservable, signal: AbortSignal | undefined): void {
  if (signal === undefined) return
  const cancel = () => void observable.cancel().catch(() => undefined)
  if (signal.aborted) return cancel()
  signal.addEventListener('abort', cancel, { once: true })
  const forget = () => signal.removeEventListener('abort', cancel)
  observable.result().then(forget, forget)
}
