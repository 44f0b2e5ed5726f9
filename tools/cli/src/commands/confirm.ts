import type { CancellableInvitationObservable, GuestRequest } from '@vestibule/invitations'
import type { Context } from '../context.ts'
import { printable } from '../output.ts'

/**
 * Asks the person about each guest that asks to be let in, one after the other, as long as the invitation is open. Only
 * `y` or `yes` is a yes; the end of the input is a no.
 * @param question for a guest's name, ready to be printed
 */
export function confirmEach(
  { output, prompt, signal }: Context,
  observable: CancellableInvitationObservable,
  question: (name: string) => string,
): void {
  const seen = new Set<string>()
  let before: Promise<void> = Promise.resolve()
  const confirm = async (request: GuestRequest): Promise<void> => {
    if (!observable.invitation.requests?.some(({ id }) => id === request.id)) return
    const { identityKey, deviceKey, displayName } = request
    const key = (identityKey ?? deviceKey).toHex()
    const name = displayName === '' ? 'Somebody without a name' : printable(displayName)
    const identity = identityKey === undefined ? {} : { identity: identityKey.toDid() }
    output.result(
      'asks',
      { name: displayName, device: deviceKey.toHex(), ...identity },
      `${name} asks, with the key ${key}`,
    )
    const said = (await prompt.ask(`${question(name)} [y/N] `, { signal })) ?? ''
    const yes = /^\s*y(es)?\s*$/i.test(said)
    const wasAsking = yes ? observable.approve(request) : observable.decline(request)
    if (!wasAsking) output.status('gone', {}, `${name} no longer asks.`)
  }
  observable.subscribe({
    onRequests: ({ requests = [] }) => {
      for (const request of requests.filter(({ id }) => !seen.has(id))) {
        seen.add(request.id)
        before = before.then(() => confirm(request))
      }
    },
  })
}
