export {
  type ChannelPair,
  type ChannelPairFactory,
  type ChannelSuiteApi,
  channelSuite,
} from './testing/channel-suite.ts'
export type { Faults } from './testing/memory-channel.ts'
export { MemoryNetwork, type MemoryNetworkOptions, type Open } from './testing/memory-network.ts'
export { BLACK_HOLE, MemoryNode } from './testing/memory-node.ts'
export { MemoryRelay } from './testing/memory-relay.ts'
export { seededRandom } from './testing/random.ts'
export { VirtualClock } from './testing/virtual-clock.ts'
