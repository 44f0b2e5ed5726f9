export {
  type Discovery,
  type Registration,
  RendezvousClient,
  type RendezvousClientOptions,
} from './rendezvous/client.ts'
export {
  DEFAULT_TTL_S,
  MAX_NAMESPACE_BYTES,
  MAX_TTL_S,
  RENDEZVOUS_PROTOCOL,
  RENDEZVOUS_STATUS,
  RENDEZVOUS_WATCH_PROTOCOL,
  type RegisterMessage,
  RendezvousMessage,
  type RendezvousStatus,
} from './rendezvous/messages.ts'
export { signPeerRecord, type VerifiedPeerRecord, verifyPeerRecord } from './rendezvous/peer-record.ts'
export {
  DEFAULT_REGISTRY_LIMITS,
  type Entry,
  type RegistryLimits,
  RendezvousRegistry,
} from './rendezvous/registry.ts'
export { RendezvousServer, type RendezvousServerComponents, rendezvousServer } from './rendezvous/server.ts'
export {
  type RendezvousClientComponents,
  type RendezvousClients,
  rendezvousClient,
} from './rendezvous/service.ts'
