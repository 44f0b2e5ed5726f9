import { setTimeout } from 'node:timers/promises'
import { proveFeed } from '@vestibule/credentials'
import { Keyring } from '@vestibule/keys'
import { type SwarmConnection, type SwarmOptions, systemClock } from '@vestibule/network'
import { MemoryNetwork } from '@vestibule/network/testing'
import { acceptIdentity, MemoryStorage, SigningContext, type Space, SpaceManager } from '@vestibule/space'

/** Admits somebody whose devices come once, each to introduce itself, and then no more. */
export async function admitMember(kitchen: Space, displayName: string, devices: number): Promise<void> {
  const own = { keyring: new Keyring(), storage: new MemoryStorage() }
  const signingContext = await SigningContext.create({ ...own, displayName })
  const { identityKey, deviceKey, agreementKey, chain, profile } = signingContext
  const [controlFeedKey, dataFeedKey] = [await own.keyring.createKey(), await own.keyring.createKey()]
  const by = { signer: own.keyring, member: identityKey, device: deviceKey }
  await kitchen.admit(
    {
      ...{ identityKey, deviceKey, agreementKey, chain, profile, controlFeedKey, dataFeedKey },
      controlFeedProof: await proveFeed({ ...by, feed: controlFeedKey, purpose: 'CONTROL' }),
      dataFeedProof: await proveFeed({ ...by, feed: dataFeedKey, purpose: 'DATA' }),
    },
    { role: 'EDITOR' },
  )
  if (devices === 1) return
  await using first = new SpaceManager({ ...own, signingContext, networkManager: new MeetingNetwork() })
  await first.open()
  for (let n = 1; n < devices; n++) await addDevice(kitchen, first, `device ${n}`)
}

/** A further device, admitted by the first one, takes up the space and introduces itself to whoever has it open. */
async function addDevice(kitchen: Space, first: SpaceManager, label: string): Promise<void> {
  const [keyring, storage] = [new Keyring(), new MemoryStorage()]
  const own = { deviceKey: await keyring.createKey(), agreementKey: await keyring.createAgreementKey() }
  const admission = await first.identity.admitDevice({ ...own, label })
  const signingContext = await acceptIdentity(admission, { keyring, storage, ...own })
  const network = new MeetingNetwork()
  await using manager = new SpaceManager({ keyring, storage, signingContext, networkManager: network })
  await manager.open()
  // What was joined before is the identity's own space, where nobody else is.
  network.met = kitchen
  const before = kitchen.history().length
  await manager.adoptSpace(await kitchen.admissionFor(signingContext.identityKey))
  const isIntroduced = () => kitchen.history().length === before + 1 + 2
  while (!isIntroduced()) await setTimeout(1)
}

/** A network with nobody in it but, in each swarm that is joined from then on, whoever has a space open. */
class MeetingNetwork {
  met: Space | undefined
  readonly #network = new MemoryNetwork({ clock: systemClock })

  async joinSwarm({ protocolProvider }: SwarmOptions): Promise<SwarmConnection> {
    const closing = new AbortController()
    if (this.met !== undefined) {
      const [near, far] = this.#network.connect('device', 'host')
      const { signal } = closing
      for (const served of [protocolProvider(near, { signal }), this.met.serve(far, signal)])
        void Promise.resolve(served).catch(() => near.abort())
    }
    const close = async (): Promise<void> => closing.abort()
    const state = { status: 'searching', peers: [], relays: [] } as const
    const setTopics = async (): Promise<void> => {}
    return { peers: [], state, subscribe: () => () => {}, setTopics, close, [Symbol.asyncDispose]: close }
  }
}
