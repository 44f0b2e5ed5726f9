import { expect, it } from 'vitest'
import { aim, table } from '../src/table.ts'

it('aligns the first column to the left and the others to the right', () => {
  const rows = [
    ['name', 'ms'],
    ['a', '1.00'],
    ['longer', '10.00'],
  ]
  expect(table(rows).split('\n')).toEqual(['name       ms', 'a        1.00', 'longer  10.00'])
})

it('says of an aim whether it was met', () => {
  expect(aim('a < b', true)).toMatch(/^met +a < b$/)
  expect(aim('a < b', false)).toMatch(/^not met +a < b$/)
})
