export type { Random } from './backoff.ts'
export { type Channel, type ChannelEnd, DEFAULT_MAX_FRAME_BYTES } from './channel.ts'
export { type Clock, systemClock } from './clock.ts'
export { NetworkError, type NetworkErrorCode } from './errors.ts'
export { SWARM_PROTOCOL } from './handshake.ts'
export { Libp2pNode, type Libp2pNodeOptions } from './libp2p-node.ts'
export { NetworkManager, type NetworkManagerOptions } from './network-manager.ts'
export type { NetworkNode, RelaySession, Target } from './node.ts'
export type { RelayStatus } from './relay-link.ts'
export type { Discovery, Registration } from './rendezvous/client.ts'
export type {
  ProtocolProvider,
  SwarmConnection,
  SwarmOptions,
  SwarmState,
  SwarmStatus,
  Topology,
} from './swarm.ts'
export { hashTopic, TOPIC_BYTES, topicNamespace } from './topic.ts'
export { type TypedChannel, typedChannel } from './typed-channel.ts'
