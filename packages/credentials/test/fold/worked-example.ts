import type { Credential, Membership } from '../../src/index.ts'
import { device, NAMES, type Story, shown, who } from './story.ts'

/** A history as a person reads it: a diagram, what became of each act and why, and who is a member afterwards. */
export function workedExample(title: string, story: Story, cast: number, membership: Membership): string {
  const start = new Set(story.acts.slice(0, cast).map(({ id }) => id))
  const acts = story.acts.slice(cast)
  const name = (id: string) => (start.has(id) ? 'start' : id.replace('+', 'grant'))
  const arrows = acts.flatMap((act) =>
    closest(act, story.acts, start).map((parent) => `  ${name(parent)} --> ${name(act.id)}`),
  )
  const refused = acts.flatMap(({ id }) => (membership.counts(id) ? [] : [name(id)]))
  const verdicts = acts.map((act) => {
    const { counts, text, by } = membership.why(act.id)
    const deciding = by === undefined || start.has(by) ? '' : `, because of ${name(by)}`
    return `- ${name(act.id)}, ${sentence(act)}: ${counts ? 'counts' : '**void**'}${deciding}. ${text}`
  })
  return [
    `### ${title}`,
    '',
    '```mermaid',
    'flowchart LR',
    `  start(["${peopleAfter(story.acts.slice(0, cast))}"])`,
    ...acts.map((act) => `  ${name(act.id)}["${name(act.id)}: ${sentence(act)}"]`),
    ...arrows,
    ...(refused.length > 0
      ? [`  class ${refused.join(',')} void`, '  classDef void stroke-dasharray: 4 4, opacity: 0.6']
      : []),
    '```',
    '',
    ...verdicts,
    '',
    `Members: ${inWords(shown(membership))}.`,
    '',
  ].join('\n')
}

/** The parents that no other parent comes after; those before the story starts are one. */
function closest(act: Credential, all: readonly Credential[], start: ReadonlySet<string>): string[] {
  const byId = new Map(all.map((one) => [one.id, one]))
  const past = (id: string): string[] =>
    (byId.get(id)?.parents ?? []).flatMap((parent) => [parent, ...past(parent)])
  const farther = new Set(act.parents.flatMap(past))
  const near = act.parents.filter((id) => !farther.has(id) && !start.has(id))
  return near.length > 0 ? near : [act.parents.find((id) => start.has(id)) ?? 'start']
}

/** Who acts: the name, with a device’s number when it is not the first. */
function actor({ issuer, signer }: Credential): string {
  const name = NAMES.find((one) => who(one) === issuer) ?? '?'
  if (signer === issuer) return name
  return `${name} by device ${[1, 2, 3].find((n) => device(name, n) === signer) ?? '?'}`
}

const nameOf = (key: Credential['issuer']): string => NAMES.find((one) => who(one) === key) ?? '?'

function sentence(act: Credential): string {
  const { claim } = act
  const by = actor(act)
  switch (claim.type) {
    case 'SpaceMember': {
      const grant = `${by} admits ${nameOf(claim.member)} as ${claim.role}`
      return claim.delegation === undefined ? grant : `${grant} by the invitation ${claim.delegation}`
    }
    case 'ChangedRole':
      return `${by} makes ${nameOf(claim.member)} ${claim.role}`
    case 'RemovedMember':
      return `${by} removes ${nameOf(claim.member)}`
    case 'LeftSpace':
      return `${by} leaves`
    case 'DelegatedInvitation':
      return `${by} writes a single-use invitation for ${claim.role}`
    case 'CancelledInvitation':
      return `${by} cancels the invitation ${claim.delegation}`
    case 'AuthorizedDevice':
      return `${by} authorises device ${[1, 2, 3].find((n) => device(nameOf(act.issuer), n) === claim.device)}`
    case 'RevokedDevice':
      return `${by} revokes device ${[1, 2, 3].find((n) => device(nameOf(act.issuer), n) === claim.device)}`
    default:
      throw new TypeError(`no words for ${claim.type}`)
  }
}

function peopleAfter(acts: readonly Credential[]): string {
  const grants = acts.flatMap(({ claim }) =>
    claim.type === 'SpaceMember' ? [`${nameOf(claim.member)}:${claim.role[0]}`] : [],
  )
  return inWords(grants.join(' '))
}

const WORDS: Readonly<Record<string, string>> = { O: 'OWNER', A: 'ADMIN', E: 'EDITOR', R: 'READER' }

/** `F:O M:O!` → `F OWNER, M standing in for an OWNER` */
const inWords = (people: string): string =>
  people
    .split(' ')
    .map((one) => {
      const [name = '', role = ''] = one.split(':')
      const word = WORDS[role[0] ?? ''] ?? ''
      return role.endsWith('!') ? `${name} standing in for an ${word}` : `${name} ${word}`
    })
    .join(', ')
