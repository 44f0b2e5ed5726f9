import { MemoryKeyStore } from '@vestibule/keys'
import { MemoryStorage } from '@vestibule/space'
import { describe, expect, it } from 'vitest'
import { Tally } from '../src/counting.ts'

const value = Uint8Array.of(1, 2, 3)

describe('a tally', () => {
  it('counts transactions that write something, and passes them on', async () => {
    const tally = new Tally()
    const inner = new MemoryStorage()
    const storage = tally.storage(inner)
    await storage.transact([
      { key: 'a', value },
      { key: 'b', value },
    ])
    await storage.transact([])
    expect(tally.writes).toEqual({ transactions: 1, keys: 0 })
    expect(await inner.get('b')).toEqual(value)
    expect(await storage.list('')).toHaveLength(2)
  })

  it('counts keys that are added, and passes them on', async () => {
    const tally = new Tally()
    const inner = new MemoryKeyStore()
    const store = tally.keyStore(inner)
    await store.add('one', value)
    await store.read('one')
    expect(tally.writes).toEqual({ transactions: 0, keys: 1 })
    expect(await inner.names()).toEqual(['one'])
  })

  it('starts anew after a reset', async () => {
    const tally = new Tally()
    await tally.keyStore(new MemoryKeyStore()).add('one', value)
    tally.reset()
    expect(tally.writes).toEqual({ transactions: 0, keys: 0 })
    expect(tally.frames).toEqual([])
  })
})
