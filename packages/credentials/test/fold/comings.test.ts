import { describe, expect, it } from 'vitest'
import { admit, change, foldOf, LEAVE, remove } from './history.ts'
import { Story, who } from './story.ts'

const by = (invitation: number) => new Uint8Array(16).fill(invitation)
const invited = (name: string, invitation: number) =>
  ({ ...admit(who(name), 'EDITOR'), invitationId: by(invitation) }) as ReturnType<typeof admit>
const tale = (tell: (story: Story) => void) => {
  const story = new Story()
  story.cast('M:A X:E')
  tell(story)
  return foldOf(story.acts.toReversed())
}

describe('how a member came', () => {
  it('is its admission, whatever its role was changed to later', () => {
    const fold = tale((s) => {
      const y = s.say('y', 'F', invited('Y', 1))
      s.say('up', 'F', change(who('Y'), 'ADMIN'), [y])
    })
    expect(fold.admissionOf(who('Y'))?.invitationId).toEqual(by(1))
    expect([fold.admissionOf(who('X'))?.invitationId, fold.admissionOf(who('Z'))]).toEqual([
      undefined,
      undefined,
    ])
  })

  it('is the latest admission, for one who came again', () => {
    const fold = tale((s) => {
      const y = s.say('y', 'F', invited('Y', 1))
      const r = s.say('r', 'F', remove(who('Y')), [y])
      const again = s.say('again', 'F', invited('Y', 2), [r])
      s.say('up', 'F', change(who('Y'), 'ADMIN'), [again])
    })
    expect(fold.admissionOf(who('Y'))?.invitationId).toEqual(by(2))
  })
})

describe('what somebody lost its place by', () => {
  const departures = (tell: (story: Story) => void, name = 'X') =>
    tale(tell)
      .departuresOf(who(name))
      .map(({ id }) => id)

  it('is every removal and departure that held, in the order, after coming back too', () => {
    expect(departures((s) => s.say('r', 'F', remove(who('X'))))).toEqual(['r'])
    const back = (s: Story) => {
      const r = s.say('r', 'F', remove(who('X')))
      const a = s.say('a', 'F', admit(who('X'), 'EDITOR'), [r])
      s.say('l', 'X', LEAVE, [a])
    }
    expect(departures(back)).toEqual(['r', 'l'])
  })

  it('is nothing for a stranger, a demoted member, and whoever was removed in vain', () => {
    expect(departures(() => undefined, 'Z')).toEqual([])
    expect(departures((s) => s.say('d', 'F', change(who('X'), 'READER')))).toEqual([])
    expect(departures((s) => s.say('v', 'M', remove(who('F'))), 'F')).toEqual([])
  })
})

describe('the graph', () => {
  it('says whose author knew what, and gives everything in the order', () => {
    const fold = tale((s) => {
      s.say('a', 'F', change(who('X'), 'READER'))
      s.say('b', 'M', remove(who('Z')))
      s.say('c', 'F', remove(who('X')), ['a'])
    })
    expect([fold.comesAfter('c', 'a'), fold.comesAfter('c', 'b'), fold.comesAfter('c', 'c')]).toEqual([
      true,
      false,
      false,
    ])
    expect([fold.comesAfter('c', 'none'), fold.comesAfter('none', 'c')]).toEqual([false, false])
    const ids = fold.credentials().map(({ id }) => id)
    expect([ids[0], ids.length, ids.at(-1)]).toEqual(['genesis', 7, 'c'])
  })
})
