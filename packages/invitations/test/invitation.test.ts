import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { InvitationError } from '../src/errors.ts'
import { Invitation } from '../src/invitation.ts'

const invitation = new Invitation(
  {
    invitationId: '00',
    kind: 'SPACE',
    type: 'INTERACTIVE',
    authMethod: 'SHARED_SECRET',
    multiUse: false,
    state: 'INIT',
    timeout: 180_000,
    expires: new Date(0),
  },
  { link: 'vestSECRET', authCode: '493027' },
)

describe('the value that applications see', () => {
  test('link and code can be read', () => {
    expect([invitation.link, invitation.authCode]).toEqual(['vestSECRET', '493027'])
  })

  test('printing, spreading and serialising leave link and code out', () => {
    for (const text of [inspect(invitation), JSON.stringify(invitation), JSON.stringify({ ...invitation })]) {
      expect(text).not.toContain('vestSECRET')
      expect(text).not.toContain('493027')
    }
  })

  test('a change gives a new frozen value, which keeps link and code', () => {
    const next = invitation.with({ state: 'CONNECTING' })
    expect([invitation.state, next.state, next.link]).toEqual(['INIT', 'CONNECTING', 'vestSECRET'])
    expect(Object.isFrozen(next)).toBe(true)
    expect(next.with({}, { authCode: '1' }).authCode).toBe('1')
  })
})

test('an error has a code for programs, a sentence for people and keeps its cause', () => {
  const cause = new Error('below')
  const error = new InvitationError('LOCKED', { cause })
  expect(error).toMatchObject({ name: 'InvitationError', code: 'LOCKED', cause })
  expect(error.message).toMatch(/^[A-Z].*\.$/)
})
