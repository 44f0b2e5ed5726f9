import { describe, expect, test } from 'vitest'
import {
  MAX_MESSAGE_BYTES,
  MemoryStorage,
  type Space,
  type SpaceError,
  type Storage,
} from '../../src/index.ts'
import { bring, greet, namesOf, Person, textsOf, until, World } from '../world.ts'

const cost = { memoryKib: 8 * 1024, passes: 1, lanes: 1 }
const passphrase = 'correct horse'

async function exported(
  person: Person,
  space: Space,
  options: object = { passphrase, cost },
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of person.manager.exportSpace(space.key, options)) pieces.push(piece)
  return Buffer.concat(pieces)
}

async function meet() {
  const world = new World()
  const ada = await Person.join(world, 'ada')
  const bob = await Person.join(world, 'bob')
  const hers = await ada.manager.createSpace({ name: 'Kitchen' })
  const his = await bring(hers, bob)
  await greet(hers, his)
  const problems: SpaceError[] = []
  for (const space of [hers, his]) space.subscribe({ onProblem: (problem) => void problems.push(problem) })
  const close = async () => {
    for (const { manager } of [ada, bob]) await manager.close()
  }
  return { world, ada, bob, hers, his, problems, close }
}

/** The same things in another storage. */
async function copyOf(storage: Storage, prefix = ''): Promise<MemoryStorage> {
  const copy = new MemoryStorage()
  await copy.transact((await storage.list(prefix)).map(([key, value]) => ({ key, value })))
  return copy
}

describe('an export', () => {
  test('brings a space to another device of its identity, with all that was in it', async () => {
    const { world, ada, hers, his, close } = await meet()
    const file = await exported(ada, hers)
    const laptop = await ada.secondDevice(world, 'laptop', { withSpaces: false })
    const { space, added, forked } = await laptop.manager.importSpace(file, { passphrase })
    expect([space.name, namesOf(space), textsOf(space)]).toEqual([
      'Kitchen',
      ['ada', 'bob'],
      ['hello', 'hello Ada'],
    ])
    expect([added > 0, forked]).toEqual([true, []])
    world.setOnline('laptop', true)
    await space.write('from the laptop')
    await until(his, () => textsOf(his).includes('from the laptop'))
    await laptop.manager.close()
    await close()
  })

  test('imported again changes nothing, and a later one adds what came since', async () => {
    const { ada, bob, hers, his, close } = await meet()
    const file = await exported(ada, hers)
    const before = await ada.storage.list('')
    expect((await ada.manager.importSpace(file, { passphrase })).added).toBe(0)
    expect(await ada.storage.list('')).toEqual(before)
    const old = await copyOf(ada.storage)
    await hers.write('later')
    await until(his, () => his.messages().length === 3)
    const later = await exported(bob, his)
    await ada.manager.close()
    const again = await ada.restart(new World(), old)
    const { space, added, forked } = await again.manager.importSpace(later, { passphrase })
    // The own feed is continued by what the own device wrote, and goes on behind it.
    expect([added, forked, textsOf(space)]).toEqual([1, [], ['hello', 'hello Ada', 'later']])
    await space.write('and on')
    expect(textsOf(space).at(-1)).toBe('and on')
    await again.manager.close()
    await close()
  })

  test('of an older state, on a device whose storage was lost, makes it fork none of its feeds', async () => {
    const { world, ada, hers, his, problems, close } = await meet()
    const file = await exported(ada, hers)
    await hers.write('after the export')
    await until(his, () => his.messages().length === 3)
    await ada.manager.close()
    const again = await ada.restart(world, await copyOf(ada.storage, 'identity'))
    const { space } = await again.manager.importSpace(file, { passphrase })
    await space.write('from the same device')
    await until(his, () => his.messages().length === 4)
    await until(space, () => space.messages().length === 4)
    expect(textsOf(space)).toEqual(textsOf(his))
    expect(problems).toEqual([])
    await again.manager.close()
    await close()
  })

  test('without a passphrase holds no key: it fills up a space that is here, and brings none', async () => {
    const { world, ada, bob, hers, his, close } = await meet()
    world.setOnline('bob', false)
    await hers.write('a secret of theirs')
    const file = await exported(ada, hers, {})
    expect(Buffer.from(file).includes('a secret of theirs')).toBe(false)
    expect((await bob.manager.importSpace(file)).added).toBe(1)
    expect(textsOf(his)).toEqual(textsOf(hers))
    const laptop = await ada.secondDevice(world, 'laptop', { withSpaces: false })
    await expect(laptop.manager.importSpace(file)).rejects.toMatchObject({ code: 'BAD_EXPORT' })
    expect(laptop.manager.list()).toEqual([])
    await laptop.manager.close()
    await close()
  })

  test('of a large space goes through the memory piece by piece', async () => {
    const { world, ada, hers, close } = await meet()
    for (let n = 0; n < 20; n++) await hers.write(new Uint8Array(MAX_MESSAGE_BYTES).fill(n))
    const pieces: Uint8Array[] = []
    for await (const piece of ada.manager.exportSpace(hers.key, { passphrase, cost })) pieces.push(piece)
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(260 * 1024)
    const laptop = await ada.secondDevice(world, 'laptop', { withSpaces: false })
    let opened = 0
    const source = async function* () {
      opened++
      yield* pieces
    }
    const { space } = await laptop.manager.importSpace(source, { passphrase })
    expect(opened).toBeGreaterThan(1)
    expect(space.messages()).toHaveLength(22)
    await laptop.manager.close()
    await close()
  })
})

describe('nothing is stored of an export', () => {
  async function refusing(
    file: Uint8Array,
    person: Person,
    given: object = { passphrase },
  ): Promise<unknown> {
    const before = await person.storage.list('')
    const outcome = await person.manager.importSpace(file, given).then(
      () => 'imported',
      (error: { code: unknown }) => error.code,
    )
    if (outcome !== 'imported') {
      expect(await person.storage.list('')).toEqual(before)
      expect(person.manager.list()).toEqual([])
    }
    return outcome
  }

  test('that is damaged, wherever it is', { timeout: 60_000 }, async () => {
    const { world, ada, hers, close } = await meet()
    const laptop = await ada.secondDevice(world, 'laptop', { withSpaces: false })
    for (const [options, step, codes] of [
      [{}, 7, ['BAD_EXPORT', 'UNSUPPORTED_VERSION', 'PASSPHRASE_NEEDED']],
      [
        { passphrase, cost },
        97,
        ['BAD_EXPORT', 'UNSUPPORTED_VERSION', 'WRONG_PASSPHRASE', 'CORRUPT_RECORD', 'UNACCEPTABLE_COST'],
      ],
    ] as const) {
      const file = await exported(ada, hers, options)
      for (let at = 0; at < file.length; at += step) {
        const bad = Uint8Array.from(file)
        bad[at] = (bad[at] ?? 0) ^ 0x10
        expect(codes, `byte ${at}`).toContain(await refusing(bad, laptop))
      }
    }
    await laptop.manager.close()
    await close()
  })

  test('that is cut off or goes on, is somebody’s text, or empty', { timeout: 60_000 }, async () => {
    const { world, ada, hers, close } = await meet()
    const laptop = await ada.secondDevice(world, 'laptop', { withSpaces: false })
    const file = await exported(ada, hers)
    for (let at = 0; at < file.length; at += 211)
      expect(await refusing(file.subarray(0, at), laptop), `byte ${at}`).toBe('BAD_EXPORT')
    for (const more of [Uint8Array.of(0), file.subarray(-100), Uint8Array.of(0, 0, 0, 1, 1)])
      expect(await refusing(Buffer.concat([file, more]), laptop)).toBe('BAD_EXPORT')
    expect(await refusing(Buffer.from('not an export at all, but a text'), laptop)).toBe('BAD_EXPORT')
    await laptop.manager.close()
    await close()
  })

  test('whose parts were moved or left out, sealed or not', async () => {
    const { world, ada, hers, close } = await meet()
    const laptop = await ada.secondDevice(world, 'laptop', { withSpaces: false })
    for (const options of [{}, { passphrase, cost }]) {
      const frames: Uint8Array[] = []
      for await (const frame of ada.manager.exportSpace(hers.key, options)) frames.push(frame)
      for (let at = 1; at < frames.length; at++) {
        const without = frames.toSpliced(at, 1)
        const moved = [...without.slice(0, at - 1), frames[at] ?? Uint8Array.of(), ...without.slice(at - 1)]
        for (const parts of [without, moved])
          expect(await refusing(Buffer.concat(parts), laptop)).toBe('BAD_EXPORT')
      }
    }
    await laptop.manager.close()
    await close()
  })

  test('without the passphrase, or with another', async () => {
    const { world, ada, hers, close } = await meet()
    const laptop = await ada.secondDevice(world, 'laptop', { withSpaces: false })
    const file = await exported(ada, hers)
    expect(await refusing(file, laptop, {})).toBe('PASSPHRASE_NEEDED')
    expect(await refusing(file, laptop, { passphrase: 'battery staple' })).toBe('WRONG_PASSPHRASE')
    await laptop.manager.close()
    await close()
  })

  test('that is of a later release', async () => {
    const { world, ada, hers, close } = await meet()
    const laptop = await ada.secondDevice(world, 'laptop', { withSpaces: false })
    const file = await exported(ada, hers, {})
    // Field 1 of the header, behind its length.
    expect([...file.subarray(4, 6)]).toEqual([8, 1])
    file[5] = 2
    expect(await refusing(file, laptop)).toBe('UNSUPPORTED_VERSION')
    await laptop.manager.close()
    await close()
  })

  test('that is somebody else’s, whose space is not here', async () => {
    const { world, ada, hers, close } = await meet()
    const eve = await Person.join(world, 'eve')
    expect(await refusing(await exported(ada, hers), eve)).toBe('BAD_ADMISSION')
    expect(() => eve.manager.exportSpace(hers.key)).toThrow(expect.objectContaining({ code: 'NO_SPACE' }))
    await eve.manager.close()
    await close()
  })
})
