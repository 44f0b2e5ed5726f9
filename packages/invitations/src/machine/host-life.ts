import { type Draft, isExhausted, isUnderWay, refusalByLife, turnAway } from './host-draft.ts'
import { effectiveLife, type HostEvent, isEndedLife } from './host-state.ts'

/** Decides the end. It is stored, and told to the application, once nothing that could admit is under way. */
export function end(draft: Draft, life: 'REDEEMED' | 'EXPIRED' | 'CANCELLED'): undefined {
  if (isEndedLife(draft.record.life)) {
    if (life === 'CANCELLED') draft.effects.push({ type: 'life', life: draft.record.life })
    return
  }
  if (draft.closing === undefined || draft.closing === 'LOCKED') draft.closing = life
  const under = draft.storing?.type === 'life' && draft.storing.record.life === draft.closing
  if (!under && !draft.intents.some((intent) => intent.type === 'life'))
    draft.intents.unshift({ type: 'life' })
}

/** How it stands by what all say who serve it. Of what is under way here it undoes nothing. */
export function shared(
  draft: Draft,
  { failed, admitted, ended }: Extract<HostEvent, { type: 'shared' }>,
): undefined {
  draft.elsewhere = { failed, admissions: admitted.length }
  draft.admitted = new Set([...draft.admitted, ...admitted])
  if (ended === 'REDEEMED' || ended === 'CANCELLED') return end(draft, ended)
  if (ended === 'LOCKED' && effectiveLife(draft) === 'OPEN') lock(draft)
}

/** Others are to know how many attempts failed here. */
export function tellAttempts(draft: Draft): undefined {
  if (draft.config.shared) draft.intents.push({ type: 'attempts' })
}

export function lockWhenExhausted(draft: Draft): boolean {
  if (effectiveLife(draft) !== 'OPEN' || !isExhausted(draft)) return false
  lock(draft)
  return true
}

function lock(draft: Draft): undefined {
  draft.closing = 'LOCKED'
  draft.intents.push({ type: 'life' })
}

/** Guests that wait for the network or for their turn are told at once; what is under way ends by itself. */
export function turnAwayByLife(draft: Draft): undefined {
  for (const [id, session] of draft.sessions) {
    if (session.step === 'greeting' || isUnderWay(draft, id, session)) continue
    const refused = refusalByLife(draft, session)
    if (refused !== undefined) turnAway(draft, id, refused)
  }
}
