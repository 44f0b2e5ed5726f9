import { describe, expect, it } from 'vitest'
import { report, round, sharedNow, summarise } from '../src/figures.ts'

describe('summarise', () => {
  it('gives the middle of an odd number of samples, in whatever order they came', () => {
    expect(summarise([9, 1, 5])).toEqual({ median: 5, p95: 9, min: 1, n: 3 })
  })

  it('gives the mean of the two in the middle of an even number', () => {
    expect(summarise([4, 1, 2, 10]).median).toBe(3)
  })

  it('takes for p95 the smallest sample that at least 95 in 100 do not exceed', () => {
    const hundred = Array.from({ length: 100 }, (_, i) => i + 1)
    expect(summarise(hundred).p95).toBe(95)
    expect(summarise([...hundred, 101]).p95).toBe(96)
  })

  it('gives the one sample everywhere', () => {
    expect(summarise([7])).toEqual({ median: 7, p95: 7, min: 7, n: 1 })
  })

  it('sorts numbers as numbers, and leaves the list as it was', () => {
    const samples = [100, 20, 3]
    expect(summarise(samples).median).toBe(20)
    expect(samples).toEqual([100, 20, 3])
  })

  it('rounds to hundredths', () => {
    expect(summarise([1.23456])).toMatchObject({ median: 1.23, p95: 1.23, min: 1.23 })
    expect(round(2.675001)).toBe(2.68)
  })

  it('refuses to summarise nothing', () => {
    expect(() => summarise([])).toThrow(TypeError)
  })
})

describe('report', () => {
  it('says what ran where, without a path', () => {
    const { name, node, machine, ok } = report('invite', true)
    expect({ name, node, ok }).toEqual({ name: 'invite', node: process.version, ok: true })
    expect(machine.cores).toBeGreaterThan(0)
    expect(Object.keys(machine)).toEqual(['cores', 'cpu'])
  })
})

describe('sharedNow', () => {
  it('never goes back', () => {
    const first = sharedNow()
    expect(sharedNow()).toBeGreaterThanOrEqual(first)
  })
})
