import type { Connection, PeerId, PrivateKey } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { systemRandom } from '../backoff.ts'
import { type Clock, systemClock } from '../clock.ts'
import { openChannel } from '../libp2p/stream-channel.ts'
import { RendezvousClient } from './client.ts'
import { signPeerRecord } from './peer-record.ts'

/** What of libp2p the client needs. */
export interface RendezvousClientComponents {
  readonly peerId: PeerId
  readonly privateKey: PrivateKey
  readonly addressManager: { getAddresses(): Multiaddr[] }
  readonly connectionManager: {
    openConnection(target: Multiaddr, options?: { signal?: AbortSignal }): Promise<Connection>
  }
}

/** Clients of rendezvous servers, as a libp2p service. */
export interface RendezvousClients {
  /** @returns the client of the server at a multiaddr that ends in `/p2p/…`; the same one each time */
  at(server: string): RendezvousClient
}

/**
 * @example
 * const node = await createLibp2p({ ...options, services: { rendezvous: rendezvousClient() } })
 * await node.services.rendezvous.at(server).register('my-app')
 */
export function rendezvousClient(
  options: { readonly clock?: Clock } = {},
): (components: RendezvousClientComponents) => RendezvousClients {
  return (components) => {
    const clients = new Map<string, RendezvousClient>()
    const clock = options.clock ?? systemClock
    const record = recordSource(components, clock)
    const create = (server: string): RendezvousClient =>
      new RendezvousClient({
        open: async (protocol, waiting) => {
          const connection = await components.connectionManager.openConnection(multiaddr(server), waiting)
          return openChannel(connection, protocol, components.peerId.toString(), waiting)
        },
        record,
        clock,
        random: systemRandom,
      })
    return {
      at(server) {
        const client = clients.get(server) ?? create(server)
        clients.set(server, client)
        return client
      },
    }
  }
}

/** Gives the own signed record; the same bytes for as long as the addresses are the same. */
export function recordSource(
  components: Pick<RendezvousClientComponents, 'privateKey' | 'addressManager'>,
  clock: Clock,
): () => Promise<Uint8Array> {
  let signed: { readonly key: string; readonly record: Promise<Uint8Array> } | undefined
  let seq = 0
  return () => {
    const addresses = components.addressManager.getAddresses().map((address) => address.toString())
    const key = addresses.join()
    if (signed?.key !== key) {
      seq = Math.max(seq + 1, clock.now())
      signed = { key, record: signPeerRecord(components.privateKey, addresses, BigInt(seq)) }
    }
    return signed.record
  }
}
