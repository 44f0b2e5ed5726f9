import { hexToBytes } from '@noble/hashes/utils.js'
import { type Keyring, type PublicKey, Redacted } from '@vestibule/keys'
import { NetworkManager, type ProtocolProvider } from '@vestibule/network'
import type { Space, SpaceAdmission } from '@vestibule/space'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { HostDriver } from '../../src/driver/host-driver.ts'
import { HostSession } from '../../src/driver/host-session.ts'
import { Invitation } from '../../src/invitation.ts'
import { SpaceHost } from '../../src/kind/space-host.ts'
import { encodeInvitation, InvitationLink, parseInvitation } from '../../src/link/link.ts'
import { commitment, deriveLinkKeys } from '../../src/link/link-keys.ts'
import { hostConfig, newHostRecord } from '../../src/machine/host-state.ts'
import { CancellableInvitationObservable } from '../../src/observable.ts'
import { encodeHostMessage, type HostMessage, REFUSAL_CODES } from '../../src/protocol/messages.ts'
import type { SpaceTarget, StoredInvitation } from '../../src/records.ts'
import { answer, ended, HOUR, MINUTE, type Peopled, type Person, statesOf } from '../scenario/world.ts'

/** What a host that keeps no rule achieves, and whoever poses as one, wherever the world is. */
export function falseHosts(open: () => Promise<Peopled>): void {
  let world: Peopled
  let ada: Person
  let bob: Person
  const running: { close(): Promise<void> }[] = []
  beforeEach(async () => {
    world = await open()
    ada = await world.person('ada')
    bob = await world.person('bob')
  })
  afterEach(async () => {
    for (const one of running.splice(0)) await world.clock.settle(one.close())
    await world.close()
  })

  /** Answers on an invitation's topic, on a node of its own. @returns its peer id */
  async function impostor(link: string, provider: ProtocolProvider): Promise<string> {
    const { clock, network, relay } = world
    const manager = new NetworkManager({
      node: network.createNode(),
      clock,
      random: network.random,
      relays: [relay.address],
    })
    await manager.start()
    const { topic } = deriveLinkKeys(parseInvitation(link).secret)
    await manager.joinSwarm({ topic, topology: 'host', protocolProvider: provider })
    running.push({ close: () => manager.stop() })
    return manager.peer
  }

  /** What a host makes its invitation of; the parts that are its own it may choose. */
  interface Host {
    readonly person: Person
    readonly space: Space
    readonly link: InvitationLink
    readonly keyring?: Keyring
    readonly role?: SpaceTarget['role']
  }

  /** Serves a link by the driver of honest hosts, with parts that are not honest. */
  async function serve({ person, space, link, keyring, role = 'EDITOR' }: Host): Promise<void> {
    const { networkManager, storage, signingContext, clock, keyring: own } = person.running
    const multiUse = link.multiUse
    const target: SpaceTarget = { spaceKey: space.key, role, history: 'all', madeAfter: [] }
    const stored: StoredInvitation = {
      link,
      target,
      createdAtMs: clock.now(),
      persistent: true,
      approve: false,
      timeoutMs: MINUTE,
      progress: newHostRecord(hostConfig({ multiUse, hasCode: false })),
    }
    const fields = new Invitation({
      invitationId: '',
      kind: 'SPACE',
      type: 'INTERACTIVE',
      authMethod: 'NONE',
      multiUse,
      state: 'INIT',
      timeout: MINUTE,
      expires: new Date(link.expiresAtMs),
    })
    const driver = new HostDriver(
      { networkManager, storage, keyring: keyring ?? own, clock, random: world.random },
      new SpaceHost(space, signingContext, target, deriveLinkKeys(link.secret).invitationId),
      stored,
      [],
      new CancellableInvitationObservable(
        fields,
        async () => undefined,
        () => false,
      ),
    )
    await driver.start()
    running.push(driver)
  }

  /** A link to a space, whose host key this person holds. */
  async function linkTo(person: Person, promised: Space): Promise<InvitationLink> {
    const secret = new Redacted(world.random(16))
    return InvitationLink.create({
      kind: 'SPACE',
      type: 'INTERACTIVE',
      authMethod: 'NONE',
      multiUse: false,
      secret,
      hostKey: await person.running.keyring.createKey(),
      commitment: commitment(deriveLinkKeys(secret), 'SPACE', hexToBytes(promised.genesisId)),
      expiresAtMs: world.clock.now() + HOUR,
      relays: [world.relay.address],
      hosts: [],
    })
  }

  /** A space that admits in its own way. */
  function admitting(space: Space, admit: Space['admit']): Space {
    return { key: space.key, name: space.name, genesisId: space.genesisId, admit } as unknown as Space
  }

  /** Of everything that a guest keeps when it joins there is nothing; the keys for another try may be there. */
  async function expectNothingOf(guest: Person): Promise<void> {
    expect(guest.running.spaceManager.list()).toEqual([])
    const stored = await guest.stored()
    // The space that its devices share was there before.
    const [own, ...others] = stored.filter((key) => key.startsWith('spaces/')).map((key) => key.slice(7))
    expect(others).toEqual([])
    const isBefore = (key: string): boolean =>
      ['format', 'identity'].includes(key) || key.split('/')[1] === own
    expect(stored.filter((key) => !isBefore(key) && !key.startsWith('invitations/guest/'))).toEqual([])
  }

  describe('whoever answers on the topic without the host’s key', () => {
    test('is not believed, not even when it knows the link: nobody is asked for a code', async () => {
      const invitation = await ada.invite(await ada.createSpace())
      await ada.stop()
      const mallory = await world.person('mallory')
      const own = await mallory.running.keyring.createKey()
      const link = parseInvitation(invitation.link)
      await serve({
        person: mallory,
        space: await mallory.createSpace(),
        link,
        keyring: signingAs(mallory.running.keyring, own),
      })
      const provider = bob.accept(invitation.link, { timeout: 2_000 })
      const states = statesOf(provider)
      expect(await world.clock.settle(ended(provider))).toBe('TIMEOUT TIMED_OUT')
      expect(states).toEqual(['INIT', 'CONNECTING', 'TIMEOUT'])
      expect(provider.invitation.spaceName).toBeUndefined()
      await expectNothingOf(bob)
    })

    test('keeps no guest from its host, whatever it says and however many they are', async () => {
      const invitation = await ada.invite(await ada.createSpace())
      const frames: Uint8Array[] = [
        ...REFUSAL_CODES.map((code) => encodeHostMessage({ type: 'refused', code })),
        encodeHostMessage({ type: 'refused', code: 'CANCELLED', signature: world.random(64) }),
        encodeHostMessage({
          type: 'offer',
          nonce: world.random(32),
          preview: world.random(9),
          signature: world.random(64),
        }),
        encodeHostMessage({ type: 'share', share: world.random(32) }),
        encodeHostMessage({ type: 'waiting' }),
        encodeHostMessage({
          type: 'admitted',
          tag: world.random(64),
          signature: world.random(64),
          sealed: world.random(99),
        }),
        world.random(50),
        new Uint8Array(0),
        new Uint8Array(100_000),
      ]
      for (const frame of frames)
        await impostor(invitation.link, async (channel) => {
          await channel.send(frame)
          await channel.ended
        })
      // Some say nothing, and some hang up.
      for (let i = 0; i < 5; i++)
        await impostor(invitation.link, async (channel) => void (await channel.ended))
      for (let i = 0; i < 5; i++) await impostor(invitation.link, (channel) => channel.abort())
      const provider = bob.accept(invitation.link)
      const states = statesOf(provider)
      answer(provider, invitation.code ?? '')
      expect(await world.clock.settle(ended(provider))).toBe('SUCCESS')
      expect(states).toEqual([
        'INIT',
        'CONNECTING',
        'CONNECTED',
        'READY_FOR_AUTHENTICATION',
        'AUTHENTICATING',
        'SUCCESS',
      ])
    })
  })

  describe('a host that has the host key', () => {
    test('of one space can’t let a guest into another one', async () => {
      const promised = await ada.createSpace('Promised')
      const other = await ada.createSpace('Other')
      const link = await linkTo(ada, promised)
      await serve({ person: ada, space: other, link })
      const provider = bob.accept(encodeInvitation(link))
      expect(await world.clock.settle(ended(provider))).toBe('ERROR ANSWER_INVALID')
      await expectNothingOf(bob)
    })

    test('can’t give another role than it showed', async () => {
      const space = await ada.createSpace()
      for (const role of ['READER', 'ADMIN', 'OWNER'] as const) {
        const guest = await world.person(role)
        const link = await linkTo(ada, space)
        const otherwise = admitting(space, (candidate, options) =>
          space.admit(candidate, { ...options, role }),
        )
        await serve({ person: ada, space: otherwise, link })
        expect(await world.clock.settle(ended(guest.accept(encodeInvitation(link))))).toBe(
          'ERROR ANSWER_INVALID',
        )
        await expectNothingOf(guest)
      }
    })

    test('can’t give what was meant for somebody else', async () => {
      const space = await ada.createSpace()
      const cem = await world.person('cem')
      const taken: Promise<SpaceAdmission>[] = []
      const first = await linkTo(ada, space)
      const keeping = admitting(space, (candidate, options) => {
        const admission = space.admit(candidate, options)
        taken.push(admission)
        return admission
      })
      await serve({ person: ada, space: keeping, link: first })
      expect(await world.clock.settle(ended(cem.accept(encodeInvitation(first))))).toBe('SUCCESS')
      const second = await linkTo(ada, space)
      const [cems] = taken
      if (cems === undefined) throw new TypeError('nothing was kept')
      await serve({ person: ada, space: admitting(space, () => cems), link: second })
      expect(await world.clock.settle(ended(bob.accept(encodeInvitation(second))))).toBe(
        'ERROR ANSWER_INVALID',
      )
      await expectNothingOf(bob)
    })

    test('has to sign its answer with it, and for this session', async () => {
      const space = await ada.createSpace()
      const answers = vi.spyOn(HostSession.prototype, 'answer')
      const sends = vi.spyOn(HostSession.prototype, 'send')
      let theirs: HostMessage | undefined
      const cem = await world.person('cem')
      await cem.join(await ada.invite(space, { authMethod: 'NONE' }))
      for (const [message] of sends.mock.calls) if (message.type === 'admitted') theirs = message
      if (theirs?.type !== 'admitted') throw new TypeError('nobody was admitted')
      const replayed = theirs
      answers.mockImplementationOnce(function (this: HostSession) {
        return this.send(replayed)
      })
      const replay = await ada.invite(space, { authMethod: 'NONE' })
      expect(await world.clock.settle(ended(bob.accept(replay.link)))).toBe('ERROR ANSWER_INVALID')
      await expectNothingOf(bob)
      sends.mockImplementation(function (this: HostSession, message) {
        const spoilt = message.type === 'admitted' ? { ...message, signature: new Uint8Array(64) } : message
        return this.channel.send(encodeHostMessage(spoilt))
      })
      const dan = await world.person('dan')
      const unsigned = await ada.invite(space, { authMethod: 'NONE' })
      expect(await world.clock.settle(ended(dan.accept(unsigned.link)))).toBe('ERROR ANSWER_INVALID')
      await expectNothingOf(dan)
      sends.mockRestore()
      answers.mockRestore()
    })

    test('and speaks out of turn loses the guest’s connection, and no more', async () => {
      const space = await ada.createSpace()
      const sends = vi.spyOn(HostSession.prototype, 'send')
      for (const type of ['share', 'admitted'] as const)
        for (const what of [
          world.random(200),
          new Uint8Array(300 * 1024),
          encodeHostMessage({ type: 'waiting' }),
        ]) {
          let spoilt = 0
          sends.mockImplementation(async function (this: HostSession, message) {
            if (message.type === type && spoilt++ === 0) await this.channel.send(what)
            else await this.channel.send(encodeHostMessage(message))
          })
          const guest = await world.person(`${type} ${what.length}`)
          const { link, code = '' } = await ada.invite(space)
          const provider = guest.accept(link)
          answer(provider, code, code)
          expect(await world.clock.settle(ended(provider)), `${type} ${what.length}`).toBe('SUCCESS')
        }
      sends.mockRestore()
      expect(space.members()).toHaveLength(7)
    })
  })
}

/** Signs everything with one key. */
function signingAs(keyring: Keyring, key: PublicKey): Keyring {
  const signing = Object.create(keyring) as Keyring
  signing.sign = (_, message) => keyring.sign(key, message)
  return signing
}
