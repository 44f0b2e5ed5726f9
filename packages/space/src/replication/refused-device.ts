import type { Membership, Presented } from '@vestibule/credentials'

/**
 * Whether a device no longer speaks for its identity, as the rules of the space say. So one that was named by another
 * which was revoked later, knowing it, is none that is refused. What names it may be new here: then it is judged as if
 * the other end had introduced itself already.
 */
export function isRefusedDevice(membership: Membership, { identity, device, chain }: Presented): boolean {
  if (membership.revocationsOf(identity).length === 0) return false
  const known = chain.every(({ id }) => membership.has(id)) ? membership : withChain(membership, chain)
  if (device === identity || known.devicesOf(identity).some(({ key }) => key === device))
    return known.isRevoked(identity, device)
  // Nothing here says where it stands: it falls with any key that stands between it and its identity. What names a
  // recovery key stays for ever.
  const named = chain.filter(({ claim }) => claim.type === 'AuthorizedDevice')
  return [device, ...named.map(({ signer }) => signer)].some((key) => known.isRevoked(identity, key))
}

function withChain(membership: Membership, chain: Presented['chain']): Membership {
  const copy = membership.copy()
  for (const link of [...chain].reverse()) copy.add(link)
  return copy
}
