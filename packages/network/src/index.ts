export type { Random } from './backoff.ts'
export {
  type Channel,
  type ChannelEnd,
  DEFAULT_MAX_FRAME_BYTES,
  type SendOptions,
} from './channel/channel.ts'
export { type TypedChannel, typedChannel } from './channel/typed-channel.ts'
export { type Clock, systemClock } from './clock.ts'
export { NetworkError, type NetworkErrorCode } from './errors.ts'
export type { Libp2pConfig } from './libp2p/libp2p.ts'
export { Libp2pNode, type Libp2pNodeOptions } from './libp2p/node.ts'
export { NetworkManager, type NetworkManagerOptions } from './network-manager.ts'
export type { NetworkNode, RelaySession, Target } from './node.ts'
export type { Discovery, Registration } from './rendezvous/client.ts'
export { SWARM_PROTOCOL } from './swarm/handshake.ts'
export type { RelayStatus } from './swarm/relay-link.ts'
export type {
  ProtocolProvider,
  SwarmConnection,
  SwarmOptions,
  SwarmState,
  SwarmStatus,
  Topology,
} from './swarm/swarm.ts'
export { hashTopic, TOPIC_BYTES, topicNamespace } from './swarm/topic.ts'
