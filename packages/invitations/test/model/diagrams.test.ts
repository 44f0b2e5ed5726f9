import { expect, test } from 'vitest'
import { guestStep } from '../../src/machine/guest-machine.ts'
import type { GuestEvent, GuestState } from '../../src/machine/guest-state.ts'
import { hostStep } from '../../src/machine/host-machine.ts'
import { effectiveLife, type HostEvent, type HostState } from '../../src/machine/host-state.ts'
import { type ChaosBounds, chaos, RIGHT, UNPROVEN, WRONG } from './chaos.ts'
import { Diagram } from './diagram.ts'
import { explore } from './explore.ts'
import { strangers } from './strangers.ts'

const bounds: ChaosBounds = {
  multiUse: false,
  hasCode: true,
  attempts: 2,
  unruly: false,
  live: 1,
  crashes: 0,
  failures: 0,
  ends: false,
  rearms: 0,
  proofs: [RIGHT, WRONG],
}

/** Where a session is, or that it is over. */
const stepOf = ({ sessions }: HostState, id: string): string => sessions.get(id)?.step ?? '[*]'

function drawHost(): { readonly session: Diagram; readonly life: Diagram } {
  const session = new Diagram()
  const life = new Diagram()
  const step = (state: HostState, event: HostEvent) => {
    const [next, effects] = hostStep(state, event)
    const stored = event.type === 'written' ? `${state.storing?.type} stored` : event.type
    life.add(effectiveLife(state), effectiveLife(next), stored)
    // What befalls others (a lock turns all away) is drawn at them, not as something that they did.
    for (const id of new Set([...state.sessions.keys(), ...next.sessions.keys()])) {
      const own = 'session' in event && event.session === id
      session.add(stepOf(state, id), stepOf(next, id), own ? event.type : `(${event.type})`)
    }
    return [next, effects] as const
  }
  const alone = { live: 1, proofs: [RIGHT, WRONG, UNPROVEN] }
  explore(chaos({ ...bounds, live: 2 }, { step }))
  explore(chaos({ ...bounds, ...alone, ends: true, rearms: 1 }, { step, prompt: false }))
  explore(chaos({ ...bounds, ...alone, failures: 1 }, { step, prompt: false }))
  explore(chaos({ ...bounds, ...alone, multiUse: true }, { step, prompt: false }))
  explore(chaos({ ...bounds, ...alone, approve: true, ends: true }, { step, prompt: false }))
  return { session, life }
}

function drawGuest(): Diagram {
  const guest = new Diagram()
  const step = (state: GuestState, event: GuestEvent) => {
    const [next, effects] = guestStep(state, event)
    guest.add(state.state, next.state, event.type === 'refused' ? event.refusal.code : event.type)
    return [next, effects] as const
  }
  for (const hasCode of [true, false])
    for (const resume of [true, false]) explore(strangers({ hasCode, resume }, step))
  return guest
}

test('the diagrams in the documentation are those of the machines', async () => {
  const { session, life } = drawHost()
  const page = `# The states of an invitation

Drawn from the machines of \`@vestibule/invitations\` by exploring every state that they can reach. What the steps of a
session wait for and hold is in \`src/machine/host-state.ts\`; the messages are in [inv/1](invitations.md).

## The guest, as its application sees it

${drawGuest()}

## The host: the life of an invitation

What is durable. \`LOCKED\` is left by a new code or an end; the others that are not \`OPEN\` are never left.

${life}

## The host: one guest's session

In brackets: what happened to another session or to the invitation.

${session}
`
  await expect(page).toMatchFileSnapshot('../../../../docs/protocol/states.md')
}, 120_000)
