import { describe, expect, test } from 'vitest'
import { guestStep } from '../src/machine/guest-machine.ts'
import {
  type GuestEffect,
  type GuestEvent,
  type GuestState,
  guestConfig,
  guestState,
} from '../src/machine/guest-state.ts'

class Guest {
  state: GuestState
  effects: readonly GuestEffect[] = []
  readonly states: string[] = []
  constructor(hasCode = true, resume = false) {
    this.state = guestState(guestConfig({ hasCode }), { resume })
    this.tell({ type: 'started' })
  }
  tell(...events: readonly GuestEvent[]): this {
    for (const event of events) {
      ;[this.state, this.effects] = guestStep(this.state, event)
      if (this.types().includes('connected') && this.state.state !== 'CONNECTED')
        this.states.push('CONNECTED')
      if (this.states.at(-1) !== this.state.state) this.states.push(this.state.state)
    }
    return this
  }
  meet(session: string): this {
    return this.tell({ type: 'opened', session, peer: 'host' }, { type: 'offered', session, valid: true })
  }
  types(): readonly string[] {
    return this.effects.map(({ type }) => type)
  }
}
const shared = (session: string): GuestEvent => ({ type: 'shared', session, valid: true })
const answered = (session: string, valid = true): GuestEvent => ({ type: 'answered', session, valid })
const refused = (
  session: string,
  code: 'WRONG_CODE' | 'BUSY' | 'LOCKED' | 'EXPIRED',
  signed = false,
): GuestEvent => ({
  type: 'refused',
  session,
  peer: 'host',
  refusal: {
    code,
    ...(code === 'WRONG_CODE' && { attemptsLeft: 2 }),
    ...(code === 'BUSY' && { retryAfterMs: 50 }),
  },
  signed,
})

describe('the guest of an invitation that several hosts serve', () => {
  const several = () => {
    const guest = new Guest()
    guest.state = { ...guest.state, config: guestConfig({ hasCode: true, isDelegated: true }) }
    return guest
  }
  const meet = (guest: Guest, peer: string) =>
    guest.tell({ type: 'opened', session: peer, peer }, { type: 'offered', session: peer, valid: true })
  const turnedAway = (guest: Guest, peer: string) =>
    guest.tell({ type: 'refused', session: peer, peer, refusal: { code: 'NOT_ALLOWED' }, signed: false })

  test('goes on to another when one can not admit it, with the code that it has, and never back', () => {
    const guest = meet(several(), 'a').tell({ type: 'code' })
    turnedAway(guest, 'a')
    expect(guest.state.outcome).toBeUndefined()
    guest.tell({ type: 'opened', session: 'a2', peer: 'a' })
    expect(guest.effects).toEqual([{ type: 'close', session: 'a2' }])
    meet(guest, 'b')
    expect(guest.types()).toContain('share')
  })

  test('gives up after three that can not, and when there is no other in time', () => {
    const guest = several()
    for (const peer of ['a', 'b', 'c']) turnedAway(meet(guest, peer), peer)
    expect(guest.state.outcome).toEqual({ state: 'ERROR', error: 'NOT_ALLOWED' })
    const alone = meet(several(), 'a').tell({ type: 'code' })
    turnedAway(alone, 'a').tell({ type: 'searchTimedOut' })
    expect(alone.state.outcome).toEqual({ state: 'ERROR', error: 'NOT_ALLOWED' })
  })
})

describe('the guest', () => {
  test('goes through the documented states to success', () => {
    const guest = new Guest()
      .meet('a')
      .tell({ type: 'code' }, shared('a'), { type: 'prepared' }, answered('a'))
    expect(guest.types()).toEqual(['disarm', 'disarmSearch', 'accept'])
    guest.tell({ type: 'accepted' })
    expect(guest.effects).toEqual([
      { type: 'close', session: 'a' },
      { type: 'finished', outcome: { state: 'SUCCESS' } },
    ])
    expect(guest.states).toEqual([
      'CONNECTING',
      'CONNECTED',
      'READY_FOR_AUTHENTICATION',
      'AUTHENTICATING',
      'SUCCESS',
    ])
  })

  test('without a code nobody is asked', () => {
    const guest = new Guest(false)
      .meet('a')
      .tell(shared('a'), { type: 'prepared' }, answered('a'), { type: 'accepted' })
    expect(guest.states).toEqual(['CONNECTING', 'CONNECTED', 'SUCCESS'])
  })

  test('asks again after a wrong code, and gives up after the third', () => {
    const guest = new Guest().meet('a')
    for (const attempt of [1, 2, 3]) {
      expect(guest.tell({ type: 'code' }).effects).toContainEqual({ type: 'share', session: 'a', attempt })
      guest.tell(shared('a'), { type: 'prepared' }, refused('a', 'WRONG_CODE'))
      if (attempt < 3) expect(guest.effects).toContainEqual({ type: 'ask', attemptsLeft: 2 })
    }
    expect(guest.state.outcome).toEqual({ state: 'ERROR', error: 'WRONG_CODE' })
  })

  test('comes back after a lost connection with the same code, and says that it resumes', () => {
    const guest = new Guest().meet('a').tell({ type: 'code' }, shared('a'), { type: 'prepared' })
    guest.tell({ type: 'lost', session: 'a' }, { type: 'opened', session: 'b', peer: 'host' })
    expect(guest.effects[0]).toEqual({ type: 'hello', session: 'b', resume: true })
    guest.tell({ type: 'offered', session: 'b', valid: true })
    expect(guest.types()).toEqual(['disarm', 'share', 'arm'])
    expect(guest.state.state).toBe('AUTHENTICATING')
  })

  test('a person who is typing is not asked again when the connection is lost', () => {
    const guest = new Guest().meet('a').tell({ type: 'lost', session: 'a' }).meet('b')
    expect(guest.types()).toEqual(['disarm'])
    expect(guest.state.state).toBe('READY_FOR_AUTHENTICATION')
    expect(guest.tell({ type: 'code' }).types()).toContain('share')
  })

  test('a code whose verdict was lost twice is not sent a third time without its person', () => {
    const guest = new Guest().meet('a').tell({ type: 'code' }, shared('a'), { type: 'prepared' })
    guest.tell({ type: 'lost', session: 'a' }).meet('b').tell(shared('b'), { type: 'timedOut', session: 'b' })
    expect(guest.types()).toEqual(['close', 'forgetCode', 'disarmSearch', 'armPerson', 'ask'])
  })

  test('strangers on the topic neither end nor delay it', () => {
    const guest = new Guest()
    for (let i = 0; i < 1000; i++)
      guest.tell(
        { type: 'opened', session: `x${i}`, peer: 'host' },
        i % 2 ? refused(`x${i}`, 'LOCKED') : { type: 'offered', session: `x${i}`, valid: false },
      )
    expect(guest.state.greeting.size).toBe(0)
    expect(guest.meet('host').types()).toContain('ask')
  })

  test('an end that the host signed is believed', () => {
    const guest = new Guest().tell(
      { type: 'opened', session: 'a', peer: 'host' },
      refused('a', 'EXPIRED', true),
    )
    expect(guest.state.outcome).toEqual({ state: 'EXPIRED', error: 'EXPIRED' })
  })

  test('a busy host is tried again after the time it named', () => {
    const guest = new Guest().meet('a').tell({ type: 'code' }, refused('a', 'BUSY'))
    expect(guest.effects).toContainEqual({ type: 'retryLater', session: 'a', afterMs: 50 })
    expect(guest.tell({ type: 'retry', session: 'a' }).effects[0]).toEqual({
      type: 'share',
      session: 'a',
      attempt: 1,
    })
  })

  test('an answer that can not be verified joins nothing', () => {
    const guest = new Guest(false).meet('a').tell(shared('a'), { type: 'prepared' }, answered('a', false))
    expect(guest.state.outcome).toEqual({ state: 'ERROR', error: 'ANSWER_INVALID' })
    expect(guest.types()).not.toContain('accept')
  })

  test('cancelling ends it, but not while the membership is being stored', () => {
    expect(new Guest().meet('a').tell({ type: 'cancel' }).state.outcome).toEqual({
      state: 'CANCELLED',
      error: 'CANCELLED',
    })
    const storing = new Guest(false)
      .meet('a')
      .tell(shared('a'), { type: 'prepared' }, answered('a'), { type: 'cancel' })
    expect(storing.state.outcome).toBeUndefined()
    expect(storing.tell({ type: 'accepted' }).state.outcome).toEqual({ state: 'SUCCESS' })
  })

  test('nobody there, or no code given, is a timeout', () => {
    expect(new Guest().tell({ type: 'searchTimedOut' }).state.state).toBe('TIMEOUT')
    expect(new Guest().meet('a').tell({ type: 'personTimedOut' }).state.state).toBe('TIMEOUT')
    expect(new Guest().meet('a').tell({ type: 'searchTimedOut' }).state.outcome).toBeUndefined()
  })
})
