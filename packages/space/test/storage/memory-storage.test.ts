import { describe, test } from 'vitest'
import { MemoryStorage } from '../../src/storage/memory-storage.ts'
import { storageSuite } from '../../src/testing.ts'

describe('MemoryStorage', () => {
  for (const { name, run } of storageSuite({ open: async () => new MemoryStorage() })) test(name, run)
})
