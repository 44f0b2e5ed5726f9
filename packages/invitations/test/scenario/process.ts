import { Keyring } from '@vestibule/keys'
import { type Clock, NetworkManager, type NetworkNode } from '@vestibule/network'
import type { Storage } from '@vestibule/space'
import { type Disk, keyStoreOf, type Life, storageOf } from './disk.ts'
import type { Surroundings } from './world.ts'

/** What somebody's application runs on. */
export interface Device {
  readonly disk: Disk
  /** How far its clock is ahead. */
  readonly skewMs: number
  /** Whether it can be dialled without a relay. */
  readonly reachable: boolean
}

/** One run of an application, as far as it needs no identity: everything that is gone when it is killed. */
export interface Process {
  readonly life: Life
  readonly clock: Clock
  readonly storage: Storage
  readonly keyring: Keyring
  readonly node: NetworkNode
  readonly networkManager: NetworkManager
}

/** Turns a device on. */
export async function turnOn(world: Surroundings, device: Device, onKilled: () => void): Promise<Process> {
  const { clock: time, network, relay } = world
  const disk = await device.disk.openStorage()
  const timers = new Set<() => void>()
  const node = network.createNode({ reachable: device.reachable })
  const life: Life = {
    alive: true,
    fate: () => 'done',
    kill: () => {
      if (!life.alive) return
      life.alive = false
      onKilled()
      for (const cancel of timers) cancel()
      void node.stop()
      void disk.close()
    },
  }
  const clock: Clock = {
    now: () => time.now() + device.skewMs,
    after: (ms, fn) => {
      if (!life.alive) return () => undefined
      const cancel = time.after(ms, () => {
        timers.delete(cancel)
        fn()
      })
      timers.add(cancel)
      return () => {
        timers.delete(cancel)
        cancel()
      }
    },
  }
  const storage = storageOf(life, disk)
  const keyring = new Keyring(keyStoreOf(life, device.disk.keys))
  const networkManager = new NetworkManager({ node, clock, random: network.random, relays: [relay.address] })
  await networkManager.start()
  return { life, clock, storage, keyring, node, networkManager }
}
