import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { CrashedDisk, type Disk, makeHistory } from './crashed-disk.ts'

const crashed = new CrashedDisk()
afterAll(() => crashed[Symbol.dispose]())

const SECTOR = 512
/** Of files that earlier releases made, looked at byte by byte; and of those that are made now, where bytes are left out. */
const PAGES = [
  { pageBytes: 4096, stride: 1 },
  { pageBytes: 16_384, stride: 5 },
]
const every = (step: number, end: number, from = 0): number[] =>
  Array.from({ length: Math.ceil((end - from) / step) }, (_, i) => from + i * step)
/** The first bytes of one, the rest of the other. */
const torn = (after: Buffer, before: Buffer, at: number): Buffer =>
  Buffer.concat([after.subarray(0, at), before.subarray(at)])

describe.each(PAGES)(
  'a write that a crash tore, pages of $pageBytes',
  { timeout: 60_000 },
  ({ pageBytes, stride }) => {
    const FRAME = 24 + pageBytes
    test('at any byte of the last transaction loses nothing that was acknowledged', async () => {
      const lengths = [10, 2000, 0]
      const [before, after] = (await makeHistory(lengths, pageBytes)).slice(-2) as [Disk, Disk]
      expect(after.log.length).toBe(before.log.length + FRAME)
      for (const at of every(stride, after.log.length, before.log.length))
        expect(await crashed.found({ ...after, log: after.log.subarray(0, at) }, lengths), `byte ${at}`).toBe(
          2,
        )
      expect(await crashed.found(after, lengths)).toBe(3)
    })

    test('at many bytes of a large one neither', async () => {
      const lengths = [10, 300_000]
      const [before, after] = (await makeHistory(lengths, pageBytes)).slice(-2) as [Disk, Disk]
      for (const at of every(797 * stride, after.log.length, before.log.length))
        expect(await crashed.found({ ...after, log: after.log.subarray(0, at) }, lengths), `byte ${at}`).toBe(
          1,
        )
      expect(await crashed.found(after, lengths)).toBe(2)
    })

    test('whose sectors came to the disk in any order loses nothing either', async () => {
      const lengths = [10, 2000, 9000]
      const [before, after] = (await makeHistory(lengths, pageBytes)).slice(-2) as [Disk, Disk]
      const sectors = every(SECTOR, after.log.length, before.log.length)
      await fc.assert(
        fc.asyncProperty(fc.subarray(sectors, { minLength: 1 }), async (missing) => {
          const log = Buffer.from(after.log)
          for (const at of missing) log.subarray(at, at + SECTOR).fill(0xee)
          expect(await crashed.found({ ...after, log }, lengths)).toBe(2)
        }),
      )
    })

    test('where the log begins anew, at any byte of its header, loses nothing', async () => {
      // The third makes the log so long that it is written into the database; the fourth is the first of the next log.
      const lengths = [10, 10, 4_200_000, 10]
      const [before, after] = (await makeHistory(lengths, pageBytes)).slice(-2) as [Disk, Disk]
      const end = after.log.findLastIndex((byte, at) => byte !== before.log[at])
      expect(end).toBeLessThan(32 + 4 * FRAME)
      for (const at of [...every(1, 64), ...every(509 * stride, end, 64)])
        expect(
          await crashed.found({ ...after, log: torn(after.log, before.log, at) }, lengths),
          `byte ${at}`,
        ).toBe(3)
      expect(await crashed.found(after, lengths)).toBe(4)
    })

    test('of the log into the database is made good by the log', async () => {
      const lengths = [10, 10, 4_200_000]
      const [before, after] = (await makeHistory(lengths, pageBytes)).slice(-2) as [Disk, Disk]
      expect(after.main.length).toBeGreaterThan(before.main.length)
      for (const at of [...every(211 * stride, 4 * pageBytes), ...every(299_993, after.main.length)])
        expect(
          await crashed.found({ ...after, main: torn(after.main, before.main, at) }, lengths),
          `byte ${at}`,
        ).toBe(3)
    })
  },
)

describe.each(PAGES)(
  'damage that no crash can have done, pages of $pageBytes',
  { timeout: 60_000 },
  ({ pageBytes, stride }) => {
    const FRAME = 24 + pageBytes
    const flip = (file: Buffer, at: number): Buffer => {
      const bad = Buffer.from(file)
      bad[at] = (bad[at] ?? 0) ^ 0x40
      return bad
    }
    /** All that was acknowledged is there; or it is refused, and left as it is; or what was hit is refused when read. */
    const foundOrRefused = async (disk: Disk, lengths: readonly number[], at: number): Promise<boolean> => {
      const found = await crashed.found(disk, lengths)
      if (found === lengths.length) return true
      expect(['STORAGE_CORRUPT', 'STORAGE_VERSION'], `byte ${at}`).toContain(found)
      expect(crashed.wasOpened || crashed.holds(disk), `byte ${at}`).toBe(true)
      return false
    }

    test('to the log is refused', async () => {
      const lengths = [10, 2000, 0, 6000, 10]
      const [before, after] = (await makeHistory(lengths, pageBytes)).slice(-2) as [Disk, Disk]
      const bytes = [...every(1, 64), ...every(4, 56, 32 + FRAME), ...every(61 * stride, before.log.length)]
      const found: boolean[] = []
      for (const at of bytes)
        found.push(await foundOrRefused({ ...after, log: flip(after.log, at) }, lengths, at))
      expect(found.filter((there) => !there).length).toBeGreaterThan(bytes.length / 2)
    })

    test('to the last transaction of the log can’t be told from a torn one: it takes that and no other', async () => {
      const lengths = [10, 2000, 10]
      const [before, after] = (await makeHistory(lengths, pageBytes)).slice(-2) as [Disk, Disk]
      for (const at of every(61 * stride, after.log.length, before.log.length))
        expect(await crashed.found({ ...after, log: flip(after.log, at) }, lengths), `byte ${at}`).toBe(2)
    })

    test('to the database is refused at opening, or when what it hit is read', async () => {
      const lengths = Array.from({ length: 40 }, (_, n) => 1 + n * 100)
      const disk = (await makeHistory(lengths, pageBytes)).at(-1) as Disk
      expect(await crashed.found(disk, lengths)).toBe(40)
      const { main } = crashed
      const log = Buffer.alloc(0)
      for (const at of every(97 * stride, main.length)) {
        expect(await foundOrRefused({ main: main.subarray(0, at), log }, lengths, at)).toBe(false)
        await foundOrRefused({ main: flip(main, at), log }, lengths, at)
      }
    })

    test('to the database beside a log that a crash left is refused before the log is touched', async () => {
      const lengths = [...Array.from({ length: 40 }, (_, n) => 1 + n * 100), 4_200_000, 10]
      const disk = (await makeHistory(lengths, pageBytes)).at(-1) as Disk
      const found: boolean[] = []
      for (const at of every(50_021, disk.main.length))
        found.push(await foundOrRefused({ ...disk, main: flip(disk.main, at) }, lengths, at))
      for (const at of every(100_003, disk.main.length))
        found.push(await foundOrRefused({ ...disk, main: disk.main.subarray(0, at) }, lengths, at))
      expect(found).toContain(false)
    })
  },
)
