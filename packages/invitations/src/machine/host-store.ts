import { admissionsOf, allowedHere, answerAgain, type Draft, move, store, turnAway } from './host-draft.ts'
import { effectiveLife, type StoreIntent, usesOf } from './host-state.ts'

/** Begins what is to be stored next, unless something is being stored. @returns whether something came of it */
export function storeNext(draft: Draft): boolean {
  if (draft.storing !== undefined) return false
  const intent = draft.intents.shift()
  if (intent === undefined) return false
  const { record } = draft
  switch (intent.type) {
    case 'charge':
      // What was heard meanwhile may have left none.
      if (record.charged >= allowedHere(draft)) move(draft, intent.session, { step: 'queued' })
      else store(draft, intent, { ...record, charged: record.charged + 1 })
      return true
    case 'refund':
      return store(draft, intent, { ...record, charged: Math.max(0, record.charged - 1) })
    case 'life':
      return draft.closing === undefined || store(draft, intent, { ...record, life: draft.closing })
    case 'rearm':
      return store(draft, intent, { ...record, life: 'OPEN', charged: 0, allowed: draft.config.attempts })
    case 'attempts':
      return store(draft, intent, record)
    case 'commit':
      return storeCommit(draft, intent)
  }
}

function storeCommit(draft: Draft, intent: Extract<StoreIntent, { type: 'commit' }>): boolean {
  const { record, config } = draft
  // Asked again at the last moment: what was verified may have been overtaken while it waited for its turn.
  const life = effectiveLife(draft)
  if (draft.admitted.has(intent.identity)) answerAgain(draft, intent.session, intent.identity)
  else if (life !== 'OPEN') turnAway(draft, intent.session, life)
  else
    return store(draft, intent, {
      life: admissionsOf(draft) + 1 < usesOf(config) ? 'OPEN' : 'REDEEMED',
      charged: config.hasCode && !config.approve ? record.charged - 1 : record.charged,
      allowed: config.multiUse ? record.allowed + 1 : record.allowed,
      admissions: record.admissions + 1,
    })
  return true
}
