import { describe, expect, test } from 'vitest'
import { hostStep } from '../src/machine/host-machine.ts'
import {
  asking,
  type HostConfig,
  type HostEffect,
  type HostEvent,
  type HostState,
  hostConfig,
  hostInvitationState,
  hostState,
} from '../src/machine/host-state.ts'

/** A host that is told events one by one; effects of the last are kept. */
class Host {
  state: HostState
  effects: readonly HostEffect[] = []
  constructor(config: HostConfig, state = hostState(config)) {
    this.state = state
  }
  tell(...events: readonly HostEvent[]): this {
    for (const event of events) [this.state, this.effects] = hostStep(this.state, event)
    return this
  }
  /** A guest up to the person who types. */
  greet(session: string, peer = session, resume = false): this {
    return this.tell({ type: 'opened', session, peer }, { type: 'hello', session, macValid: true, resume })
  }
  /** From message 3 to the written charge. */
  prove(session: string, attempt = 1): this {
    return this.tell({ type: 'share', session, attempt }, { type: 'proof', session }, { type: 'written' })
  }
  refusals(): readonly unknown[] {
    return this.effects.flatMap((e) => (e.type === 'refuse' ? [[e.session, e.refusal]] : []))
  }
  types(): readonly string[] {
    return this.effects.map(({ type }) => type)
  }
}
const single = hostConfig({ multiUse: false, hasCode: true })
const multi = hostConfig({ multiUse: true, hasCode: true })
const admit = (host: Host, session: string, identity: string): Host =>
  host
    .greet(session)
    .prove(session)
    .tell(
      { type: 'compared', session, match: true },
      { type: 'verified', session, identity },
      { type: 'committed' },
    )

describe('the host', () => {
  test('admits a guest with the right code, and is then redeemed', () => {
    const host = new Host(single).greet('a')
    expect(host.types()).toEqual(['offer', 'arm'])
    expect(hostInvitationState(host.state)).toBe('READY_FOR_AUTHENTICATION')
    expect(host.prove('a').effects).toEqual([{ type: 'compare', session: 'a' }])
    expect(hostInvitationState(host.state)).toBe('AUTHENTICATING')
    expect(host.tell({ type: 'compared', session: 'a', match: true }).types()).toEqual(['verify'])
    host.tell({ type: 'verified', session: 'a', identity: 'A' })
    const record = { life: 'REDEEMED', charged: 0, allowed: 3, admissions: 1 }
    expect(host.effects).toEqual([{ type: 'commit', session: 'a', identity: 'A', record }])
    expect(host.tell({ type: 'committed' }).types()).toEqual(['admitted', 'answer', 'life'])
    expect(hostInvitationState(host.state)).toBe('SUCCESS')
    expect(host.greet('b').refusals()).toEqual([['b', { code: 'REDEEMED' }]])
  })

  test('tells after each wrong code how many are left, and locks after the third', () => {
    const host = new Host(single).greet('a')
    for (const [attempt, refusal] of [
      [1, { code: 'WRONG_CODE', attemptsLeft: 2 }],
      [2, { code: 'WRONG_CODE', attemptsLeft: 1 }],
      [3, { code: 'LOCKED' }],
    ] as const) {
      host.prove('a', attempt).tell({ type: 'compared', session: 'a', match: false })
      expect(host.refusals()).toEqual([['a', refusal]])
    }
    expect(host.tell({ type: 'written' }).effects).toEqual([{ type: 'life', life: 'LOCKED' }])
    expect(hostInvitationState(host.state)).toBe('ERROR')
    expect(host.greet('b').refusals()).toEqual([['b', { code: 'LOCKED' }]])
  })

  test('counts wrong codes over connections and restarts', () => {
    const host = new Host(single)
    for (const session of ['a', 'b'])
      host
        .greet(session)
        .prove(session)
        .tell({ type: 'compared', session, match: false }, { type: 'lost', session })
    const again = new Host(single, hostState(single, host.state.record)).tell({ type: 'started' }).greet('c')
    again.prove('c').tell({ type: 'compared', session: 'c', match: false })
    expect(again.refusals()).toEqual([['c', { code: 'LOCKED' }]])
  })

  test('a new code opens a locked invitation again, for three more', () => {
    const locked = new Host(
      single,
      hostState(single, { life: 'LOCKED', charged: 3, allowed: 3, admissions: 0 }),
    )
    const record = { life: 'OPEN', charged: 0, allowed: 3, admissions: 0 }
    expect(locked.tell({ type: 'rearm' }).effects).toEqual([{ type: 'write', purpose: 'rearm', record }])
    expect(locked.tell({ type: 'written' }).effects).toEqual([{ type: 'life', life: 'OPEN' }])
    expect(admit(locked, 'a', 'A').state.record.life).toBe('REDEEMED')
  })

  test('a guest that finds the budget taken waits, and is admitted when it becomes free', () => {
    const host = new Host({ ...multi, attempts: 1 }).greet('a').greet('b').prove('a')
    host.tell({ type: 'share', session: 'b', attempt: 1 }, { type: 'proof', session: 'b' })
    expect(host.effects.filter(({ type }) => type !== 'disarm')).toEqual([])
    host.tell(
      { type: 'compared', session: 'a', match: true },
      { type: 'verified', session: 'a', identity: 'A' },
    )
    expect(host.tell({ type: 'committed' }).types()).toEqual(['admitted', 'answer', 'write'])
    expect(host.tell({ type: 'written' }).types()).toEqual(['compare'])
  })

  test('each admission of a multi-use invitation allows one more wrong code', () => {
    const host = admit(admit(new Host(multi), 'a', 'A'), 'b', 'B')
    expect(host.state.record).toEqual({ life: 'OPEN', charged: 0, allowed: 5, admissions: 2 })
    expect(hostInvitationState(host.state)).toBe('CONNECTING')
  })

  test('cancelling during the write waits for it, and tells how it ended', () => {
    const host = new Host(single).greet('a').prove('a')
    host.tell(
      { type: 'compared', session: 'a', match: true },
      { type: 'verified', session: 'a', identity: 'A' },
    )
    expect(host.tell({ type: 'cancel' }).effects).toEqual([])
    expect(host.tell({ type: 'committed' }).effects.at(-1)).toEqual({ type: 'life', life: 'REDEEMED' })
    expect(host.tell({ type: 'cancel' }).effects).toEqual([{ type: 'life', life: 'REDEEMED' }])
  })

  test('an ended invitation serves those that it admitted again, and nobody else', () => {
    const host = admit(new Host(single), 'a', 'A')
    host.greet('b', 'b', true).prove('b').tell({ type: 'compared', session: 'b', match: true })
    host.tell({ type: 'verified', session: 'b', identity: 'A' })
    expect(host.effects[0]).toEqual({ type: 'answer', session: 'b', identity: 'A' })
    host.tell({ type: 'written' }).greet('c', 'c', true).prove('c')
    host.tell(
      { type: 'compared', session: 'c', match: true },
      { type: 'verified', session: 'c', identity: 'C' },
    )
    expect(host.refusals()).toEqual([['c', { code: 'REDEEMED' }]])
  })

  test('what a guest that does not have the link hears is the same whatever the invitation is', () => {
    for (const life of ['OPEN', 'REDEEMED', 'EXPIRED', 'CANCELLED', 'LOCKED'] as const) {
      const host = new Host(single, hostState(single, { life, charged: 0, allowed: 3, admissions: 0 }))
      host.tell(
        { type: 'opened', session: 'a', peer: 'p' },
        { type: 'hello', session: 'a', macValid: false, resume: true },
      )
      expect(host.effects).toEqual([
        { type: 'refuse', session: 'a', refusal: { code: 'REFUSED' }, signed: false },
        { type: 'close', session: 'a' },
      ])
    }
  })

  test('eight guests hold a slot, the ninth is told to come back, and the first peer has only one', () => {
    const host = new Host(single)
    for (let i = 0; i < 9; i++) host.greet(`s${i}`)
    for (let i = 0; i < 8; i++) host.tell({ type: 'share', session: `s${i}`, attempt: 1 })
    expect(host.tell({ type: 'share', session: 's8', attempt: 1 }).refusals()).toEqual([
      ['s8', { code: 'BUSY', retryAfterMs: 2000 }],
    ])
    host.greet('again', 's0').tell({ type: 'share', session: 'again', attempt: 1 })
    expect(host.refusals()).toEqual([['s0', { code: 'SUPERSEDED' }]])
    expect(host.types()).toContain('answerShare')
  })

  test('of 1,025 guests that type the oldest goes, and is told to come back', () => {
    const host = new Host(single)
    for (let i = 0; i < 1025; i++) host.greet(`s${i}`)
    expect(host.refusals()).toEqual([['s0', { code: 'BUSY', retryAfterMs: 2000 }]])
    expect(host.state.sessions.size).toBe(1024)
    expect(admit(host, 'late', 'A').state.record.life).toBe('REDEEMED')
  })

  test('connections that never prove the link push out only each other', () => {
    const host = new Host(single).greet('typing')
    for (let i = 0; i < 10_000; i++) host.tell({ type: 'opened', session: `x${i}`, peer: 'p' })
    expect(host.state.sessions.size).toBe(257)
    expect(host.state.sessions.has('typing')).toBe(true)
  })

  test('without a code nothing is charged and nothing locks', () => {
    const host = new Host(hostConfig({ multiUse: true, hasCode: false }))
    for (let i = 0; i < 5; i++) {
      host
        .greet(`s${i}`)
        .tell({ type: 'share', session: `s${i}`, attempt: 1 }, { type: 'proof', session: `s${i}` })
      host.tell({ type: 'compared', session: `s${i}`, match: false })
      expect(host.refusals()).toEqual([[`s${i}`, { code: 'PROTOCOL_VIOLATION' }]])
    }
    expect(host.greet('a').tell({ type: 'share', session: 'a', attempt: 1 }).types()).toContain('answerShare')
    expect(host.tell({ type: 'proof', session: 'a' }).types()).toEqual(['disarm', 'compare'])
    expect(hostInvitationState(host.state)).toBe('CONNECTED')
  })

  test('a flood of guests about whom a person is asked pushes out nobody who asked before', () => {
    const host = new Host(hostConfig({ multiUse: true, hasCode: false, approve: true }))
    const ask = (session: string): Host =>
      host
        .greet(session)
        .tell({ type: 'share', session, attempt: 1 }, { type: 'proof', session })
        .tell({ type: 'compared', session, match: true }, { type: 'verified', session, identity: session })
    expect(ask('honest').types()).toEqual(['waiting', 'arm'])
    for (let i = 0; i < 127; i++) ask(`s${i}`)
    expect(ask('late').refusals()).toEqual([['late', { code: 'BUSY', retryAfterMs: 2000 }]])
    expect([asking(host.state)[0], asking(host.state).length]).toEqual(['honest', 128])
    // None of them holds what others need to ask or to be admitted.
    expect(host.tell({ type: 'approved', session: 'honest' }).types()).toEqual(['disarm', 'commit'])
    host.tell({ type: 'committed' })
    expect(ask('late').types()).toEqual(['waiting', 'arm'])
  })

  test('a step changes nothing of the state that it was given', () => {
    const host = new Host(single).greet('a')
    const before = structuredClone(host.state)
    hostStep(host.state, { type: 'share', session: 'a', attempt: 1 })
    expect(host.state).toEqual(before)
  })
})
