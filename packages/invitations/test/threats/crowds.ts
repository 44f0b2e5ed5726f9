import { Redacted } from '@vestibule/keys'
import type { Space } from '@vestibule/space'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { HostSession } from '../../src/driver/host-session.ts'
import { parseInvitation } from '../../src/link/link.ts'
import { deriveLinkKeys } from '../../src/link/link-keys.ts'
import { Attacker, type Loot } from '../scenario/attacker.ts'
import { ended, HOUR, type Invited, namesOf, type Peopled, type Person, wrong } from '../scenario/world.ts'

export interface Crowd {
  /** Peers that guess side by side, and connections of each, one after the other. */
  readonly guessers: number
  readonly guesses: number
  /** First messages that do not prove the link. */
  readonly bad: number
  /** Guests that prove it and then say nothing. */
  readonly silent: number
}

/** What many guests do to an invitation, and slow ones, wherever the world is. */
export function crowds(open: () => Promise<Peopled>, crowd: Crowd): void {
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

  const enter = async ({ link }: Invited, loot?: Loot): Promise<Attacker> => {
    const attacker = await Attacker.enter(world, parseInvitation(link), loot)
    attackers.push(attacker)
    return attacker
  }
  const settle = <T>(promise: Promise<T>): Promise<T> => world.clock.settle(promise)
  const joins = async (invitation: Invited, name = 'honest'): Promise<void> => {
    expect((await (await world.person(name)).join(invitation)).state).toBe('SUCCESS')
    expect(namesOf(space)).toContain(name)
  }

  describe('an invitation', () => {
    test('compares no more wrong codes than three, however many guess side by side', async () => {
      const compares = vi.spyOn(HostSession.prototype, 'compare')
      const invitation = await ada.invite(space)
      const guess = async (nth: number): Promise<void> => {
        const first = await enter(invitation)
        for (let i = 0; i < crowd.guesses; i++) {
          const attacker = i === 0 ? first : await first.again()
          const said = await settle(
            attacker.ask(wrong(invitation.code, nth * crowd.guesses + i + 1)).catch(() => undefined),
          )
          if (said?.type === 'admitted') throw new Error('admitted by a wrong code')
          if (i > 0) await settle(attacker.hangUp())
        }
      }
      await Promise.all(Array.from({ length: crowd.guessers }, (_, nth) => guess(nth)))
      const found = compares.mock.results.map(({ value }) => value as unknown)
      compares.mockRestore()
      expect(found.filter((match) => match === false)).toHaveLength(3)
      expect(found).not.toContain(true)
      expect((await ada.record(invitation.link))?.progress).toMatchObject({ life: 'LOCKED', admissions: 0 })
      expect(namesOf(space)).toEqual(['ada'])
    })

    test('serves an honest guest through a flood of first messages, bad ones and good ones that fall silent', async () => {
      const invitation = await ada.invite(space)
      const { topic, invitationId } = deriveLinkKeys(parseInvitation(invitation.link).secret)
      const strange = { ...deriveLinkKeys(new Redacted(world.random(16))), topic, invitationId }
      const stranger = await enter(invitation, { keys: strange })
      for (let i = 0; i < crowd.bad; i++) {
        const attacker = i === 0 ? stranger : await stranger.again()
        expect(await settle(attacker.greet())).toEqual({ type: 'refused', code: 'REFUSED' })
        // Even the first: it would come back by itself, and the newer session of a peer ends the older.
        await settle(attacker.hangUp())
      }
      for (let i = 0; i < crowd.silent; i++)
        expect(await settle((await enter(invitation)).greet())).toMatchObject({ type: 'offer' })
      await joins(invitation)
      expect((await ada.record(invitation.link))?.progress.charged).toBe(0)
    })

    test('lets others finish while one guest stalls, whichever step it stalls at', async () => {
      const invitation = await ada.invite(space, { multiUse: true })
      for (const step of ['connected', 'greeted', 'shared'] as const) {
        const attacker = await enter(invitation)
        if (step !== 'connected') await settle(attacker.greet())
        if (step === 'shared') await settle(attacker.agree(invitation.code))
        await joins(invitation, `after ${step}`)
      }
      expect((await ada.record(invitation.link))?.progress).toMatchObject({ charged: 0, admissions: 3 })
    })

    test('ends by its host’s clock, whatever the guest’s says', async () => {
      for (const skewMs of [-24 * HOUR, 24 * HOUR]) {
        const guest = await world.person(`off by ${skewMs}`, { skewMs })
        expect((await guest.join(await ada.invite(space))).state).toBe('SUCCESS')
      }
      for (const skewMs of [-24 * HOUR, 0, 24 * HOUR]) {
        const { link } = await ada.invite(space, { lifetime: 1 })
        await world.clock.advance(1_100)
        const guest = await world.person(`late, off by ${skewMs}`, { skewMs })
        expect(await settle(ended(guest.accept(link)))).toBe('EXPIRED EXPIRED')
      }
    })

    test('is of no use to somebody who was removed since it was made', async () => {
      const guest = await world.person('guest')
      await guest.join(await ada.invite(space))
      const older = await ada.invite(space)
      await settle(space.removeMember(guest.identityKey))
      // Its own application would say that it is a member, if it has not heard: this is a client that only asks.
      const { keyring, signingContext } = guest.running
      const again = await enter(older, { keyring, signingContext })
      expect(await settle(again.ask(older.code))).toMatchObject({ type: 'refused', code: 'NOT_ALLOWED' })
      expect(namesOf(space)).toEqual(['ada'])
    })
  })
}
