import { Keyring, type PublicKey, Redacted } from '@vestibule/keys'
import { MemoryStorage, SigningContext, type Space } from '@vestibule/space'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parseInvitation } from '../../src/link/link.ts'
import { deriveLinkKeys } from '../../src/link/link-keys.ts'
import { Attacker, type Loot } from '../scenario/attacker.ts'
import { answer, ended, type Invited, namesOf, type Peopled, type Person, wrong } from '../scenario/world.ts'

/**
 * What a guest that keeps no rule achieves, wherever the world is.
 * @param crowd how many there are at once
 */
export function falseGuests(open: () => Promise<Peopled>, crowd: number): void {
  let world: Peopled
  let ada: Person
  let space: Space
  const attackers: Attacker[] = []
  beforeEach(async () => {
    world = await open()
    ada = await world.person('ada')
    space = await ada.createSpace()
  })
  afterEach(async () => {
    for (const attacker of attackers.splice(0)) await world.clock.settle(attacker.leave())
    await world.close()
  })

  async function enter({ link }: Pick<Invited, 'link'>, loot?: Loot): Promise<Attacker> {
    const attacker = await Attacker.enter(world, parseInvitation(link), loot)
    attackers.push(attacker)
    return attacker
  }

  const settle = <T>(promise: Promise<T>): Promise<T> => world.clock.settle(promise)

  /** The invitation is as good as before: an honest guest gets in by it. */
  async function stillServes(invitation: Invited, expectedCharges = 0): Promise<void> {
    await world.clock.advance(100)
    expect((await ada.record(invitation.link))?.progress.charged).toBe(expectedCharges)
    const before = space.members().length
    const honest = await world.person(`honest ${before}`)
    expect((await honest.join(invitation)).state).toBe('SUCCESS')
    expect(space.members()).toHaveLength(before + 1)
  }

  describe('a stranger who found the topic but not the link', () => {
    test('gets the same answer whatever has become of the invitation, and changes nothing', async () => {
      const knock = async (invitation: Invited, resume: boolean): Promise<unknown> => {
        const { topic, invitationId } = deriveLinkKeys(parseInvitation(invitation.link).secret)
        const others = deriveLinkKeys(new Redacted(world.random(16)))
        const attacker = await enter(invitation, { keys: { ...others, topic, invitationId } })
        const answer = await settle(attacker.greet(resume))
        await expect(settle(attacker.read())).rejects.toMatchObject({ code: 'CLOSED' })
        return answer
      }
      const open = await ada.invite(space)
      const cancelled = await ada.invite(space)
      await settle(cancelled.observable.cancel())
      const expired = await ada.invite(space, { lifetime: 1 })
      await world.clock.advance(2_000)
      const used = await ada.invite(space)
      await (await world.person('bob')).join(used)
      const locked = await ada.invite(space)
      const guesser = await enter(locked)
      await settle(guesser.greet())
      for (const attempt of [1, 2, 3]) {
        await settle(guesser.agree(wrong(locked.code, attempt), attempt))
        await settle(guesser.prove())
        await settle(guesser.read())
      }
      const answers = []
      for (const invitation of [open, cancelled, expired, used, locked])
        for (const resume of [false, true]) answers.push(await knock(invitation, resume))
      for (const answer of answers) expect(answer).toEqual({ type: 'refused', code: 'REFUSED' })
      expect(open.observable.invitation.state).toBe('CONNECTING')
      await stillServes(open)
    })

    test('in crowds keeps nobody out', async () => {
      const invitation = await ada.invite(space)
      const silent = await Promise.all(Array.from({ length: crowd }, () => enter(invitation)))
      expect(silent).toHaveLength(crowd)
      await stillServes(invitation)
    })
  })

  describe('a thief of the link', () => {
    test('who says that it comes back gets no further than its code', async () => {
      const used = await ada.invite(space)
      await (await world.person('bob')).join(used)
      const thief = await enter(used)
      expect(await settle(thief.greet(true))).toMatchObject({ type: 'offer' })
      await settle(thief.agree(used.code))
      await settle(thief.prove())
      expect(await settle(thief.read())).toMatchObject({ type: 'refused', code: 'REDEEMED' })
      expect(namesOf(space)).toEqual(['ada', 'bob'])
    })

    test('sees what the invitation is for, and each guess is one of three', async () => {
      const invitation = await ada.invite(space)
      const thief = await enter(invitation)
      await settle(thief.greet())
      expect(thief.session.preview).toEqual({ spaceName: 'Kitchen', inviterName: 'ada', role: 'EDITOR' })
      await settle(thief.agree(wrong(invitation.code)))
      await settle(thief.prove())
      expect(await settle(thief.read())).toEqual({ type: 'refused', code: 'WRONG_CODE', attemptsLeft: 2 })
      await stillServes(invitation, 1)
    })
  })

  describe('a guest that knows link and code', () => {
    const asks = async (invitation: Invited, loot?: Loot, feeds?: Parameters<Attacker['ask']>[1]) => {
      const attacker = await enter(invitation, loot)
      return settle(attacker.ask(invitation.code, feeds))
    }
    const identity = async (keyring: Keyring, name: string) =>
      SigningContext.create({ keyring, storage: new MemoryStorage(), displayName: name, clock: world.clock })

    test('can’t be admitted as somebody else', async () => {
      const bob = await world.person('bob')
      const victim = bob.running.signingContext
      const keyring = new Keyring()
      const own = await identity(keyring, 'mallory')
      const claims: Record<
        string,
        Pick<SigningContext, 'identityKey' | 'chain' | 'deviceKey' | 'agreementKey'>
      > = {
        'the victim’s identity by its own chain': { ...own, identityKey: victim.identityKey },
        'the victim’s identity without a chain': { ...own, identityKey: victim.identityKey, chain: [] },
        'the victim’s identity and chain': { ...own, identityKey: victim.identityKey, chain: victim.chain },
        'everything of the victim': { ...victim },
      }
      for (const [claim, fields] of Object.entries(claims)) {
        const invitation = await ada.invite(space)
        const loot = {
          keyring: forging(keyring, own.deviceKey),
          signingContext: { ...own, profile: own.profile, ...fields } as SigningContext,
        }
        const feeds = { controlFeedKey: await keyring.createKey(), dataFeedKey: await keyring.createKey() }
        expect(await asks(invitation, loot, feeds), claim).toMatchObject({
          type: 'refused',
          code: 'PROOF_INVALID',
        })
        expect(namesOf(space)).not.toContain('bob')
        await stillServes(invitation)
      }
    })

    test('can’t use one key in two places, a key that it does not hold, or one that is admitted', async () => {
      const keyring = new Keyring()
      const own = await identity(keyring, 'mallory')
      const key = await keyring.createKey()
      const other = await keyring.createKey()
      const adas = space.genesis?.issuer ?? key
      const feeds: Record<string, [PublicKey, PublicKey]> = {
        'one feed key twice': [key, key],
        'the device’s key': [key, own.deviceKey],
        'the identity’s key': [own.identityKey, key],
        'a key of somebody else': [adas, key],
        'a key of somebody else for data': [key, adas],
      }
      const loot = { keyring: forging(keyring, own.deviceKey), signingContext: own }
      for (const [what, [controlFeedKey, dataFeedKey]] of Object.entries(feeds)) {
        const invitation = await ada.invite(space)
        expect(await asks(invitation, loot, { controlFeedKey, dataFeedKey }), what).toMatchObject({
          type: 'refused',
          code: 'PROOF_INVALID',
        })
        await stillServes(invitation)
      }
      const open = await ada.invite(space, { multiUse: true })
      const pair = { controlFeedKey: key, dataFeedKey: other }
      expect(await asks(open, { keyring, signingContext: own }, pair)).toMatchObject({ type: 'admitted' })
      const second = await identity(keyring, 'mallory again')
      expect(await asks(open, { keyring, signingContext: second }, pair)).toMatchObject({
        type: 'refused',
        code: 'NOT_ALLOWED',
      })
      expect(namesOf(space)).not.toContain('mallory again')
    })

    test('that mangles its proof is charged only where it could have been a guess', async () => {
      const invitation = await ada.invite(space, { multiUse: true })
      const verdicts: unknown[] = []
      // Message 5: five bytes of frame and field, the tag, four bytes of field, what is sealed.
      for (const at of [20, 75, 200, -1]) {
        const attacker = await enter(invitation)
        await settle(attacker.greet())
        await settle(attacker.agree(invitation.code))
        attacker.mangle = (frame) => {
          const index = at < 0 ? frame.length + at : at
          frame[index] = (frame[index] ?? 0) ^ 1
          return frame
        }
        await settle(attacker.prove())
        const answer = await settle(attacker.read())
        verdicts.push(answer.type === 'refused' ? answer.code : answer.type)
      }
      expect(verdicts).toEqual(['WRONG_CODE', ...Array(3).fill('PROTOCOL_VIOLATION')])
      await stillServes(invitation, 1)
    })

    test('that says what is not due, too much, or nothing that makes sense ends only its own session', async () => {
      const invitation = await ada.invite(space, { multiUse: true })
      const steps = ['connected', 'greeted', 'agreed'] as const
      const frames: Record<string, (attacker: Attacker) => Uint8Array> = {
        nothing: () => new Uint8Array(0),
        noise: () => world.random(300),
        'message 1 again': (attacker) => attacker.sent[0] ?? Uint8Array.of(0x1a, 0),
        'a frame that is too long': () => new Uint8Array(256 * 1024 + 1),
        'a frame that would do later': () => new Uint8Array(2_000),
      }
      for (const step of steps)
        for (const [what, frame] of Object.entries(frames)) {
          const attacker = await enter(invitation)
          if (step !== 'connected') await settle(attacker.greet())
          if (step === 'agreed') await settle(attacker.agree(invitation.code))
          // The host may have hung up already.
          await attacker.channel.send(frame(attacker)).catch(() => undefined)
          const answer = await settle(
            attacker.read().catch(({ code }: { code: string }) => ({ type: 'ended', code })),
          )
          expect(answer, `${what}, when it is ${step}`).toMatchObject({
            code: expect.stringMatching(/^(PROTOCOL_VIOLATION|CLOSED|ABORTED)$/),
          })
        }
      await stillServes(invitation)
      expect(space.members()).toHaveLength(2)
    })

    test('can’t use the frames of another session again', async () => {
      const invitation = await ada.invite(space, { multiUse: true })
      const first = await enter(invitation)
      expect(await settle(first.ask(invitation.code))).toMatchObject({ type: 'admitted' })
      const [hello, share, proof] = first.sent as [Uint8Array, Uint8Array, Uint8Array]
      await world.clock.advance(100)
      // From another peer not even the first one holds.
      const elsewhere = await first.elsewhere()
      await elsewhere.channel.send(hello)
      expect(await settle(elsewhere.read())).toEqual({ type: 'refused', code: 'REFUSED' })
      // From the same peer the host's own nonce makes the difference.
      const again = await first.again()
      await again.channel.send(hello)
      expect(await settle(again.read())).toMatchObject({ type: 'offer' })
      await again.channel.send(share)
      expect(await settle(again.read())).toMatchObject({ type: 'share' })
      await again.channel.send(proof)
      expect(await settle(again.read())).toMatchObject({ type: 'refused', code: 'WRONG_CODE' })
      // Nor is a session of another invitation of any use.
      const other = await ada.invite(space)
      const crossing = await enter(other)
      await crossing.channel.send(hello)
      expect(await settle(crossing.read())).toEqual({ type: 'refused', code: 'REFUSED' })
      expect(space.members()).toHaveLength(2)
      attackers.push(elsewhere, again)
      await stillServes(other)
    })
  })

  describe('an invitation for a known guest', () => {
    test('admits nobody else who has the link, charges nothing, and still serves the one whom it is for', async () => {
      const bob = await world.person('bob')
      const victim = bob.running.signingContext
      const invitation = await ada.invite(space, { guestKey: bob.identityKey })
      const keyring = new Keyring()
      const own = await SigningContext.create({
        ...{ keyring, storage: new MemoryStorage(), displayName: 'mallory', clock: world.clock },
      })
      const posing = { ...own, profile: own.profile, identityKey: victim.identityKey } as SigningContext
      const chained = { ...posing, chain: victim.chain } as SigningContext
      const forged = forging(keyring, own.deviceKey)
      const tries: readonly (readonly [string, string, Loot])[] = [
        ['another identity', 'WRONG_GUEST', { keyring, signingContext: own }],
        ['the guest by a chain of another', 'PROOF_INVALID', { keyring: forged, signingContext: posing }],
        ['the guest by the guest’s own chain', 'PROOF_INVALID', { keyring: forged, signingContext: chained }],
        [
          'the guest itself, which does not say that it is meant',
          'PROOF_INVALID',
          { keyring: bob.running.keyring, signingContext: victim, answersAsKnown: false },
        ],
      ]
      for (const [what, code, loot] of tries) {
        const attacker = await enter(invitation, loot)
        const answer = await settle(attacker.ask(undefined))
        expect(answer, what).toMatchObject({ type: 'refused', code })
        expect((await ada.record(invitation.link))?.progress, what).toMatchObject({
          life: 'OPEN',
          charged: 0,
        })
      }
      expect(namesOf(space)).toEqual(['ada'])
      expect((await bob.join(invitation)).state).toBe('SUCCESS')
      expect(namesOf(space)).toEqual(['ada', 'bob'])
    })

    test('whose key the link carries wants its signature', async () => {
      const invitation = await ada.invite(space, { guestKey: 'carried' })
      const attacker = await enter(invitation, { answersAsKnown: false })
      expect(await settle(attacker.ask(undefined))).toMatchObject({ type: 'refused', code: 'PROOF_INVALID' })
      await stillServes(invitation)
    })
  })

  describe('an overheard code', () => {
    test('is worth nothing without the link, and a mistyped link leads nowhere', async () => {
      const { link, code } = await ada.invite(space)
      expect(() => ada.accept(link.slice(0, -4))).toThrow(/incomplete or mistyped/)
      const other = await ada.invite(space)
      const bob = await world.person('bob')
      const provider = bob.accept(other.link, { timeout: 2_000 })
      answer(provider, code ?? '')
      expect(await settle(ended(provider))).toBe('TIMEOUT TIMED_OUT')
      expect(namesOf(space)).toEqual(['ada'])
    })
  })
}

/** Signs with whatever key it has, where the one that is asked for is somebody else's. */
function forging(keyring: Keyring, instead: PublicKey): Keyring {
  const forged = Object.create(keyring) as Keyring
  forged.sign = async (key, message) => keyring.sign((await keyring.has(key)) ? key : instead, message)
  forged.has = async () => false
  forged.createKey = () => keyring.createKey()
  return forged
}
