import { describe, expect, it } from 'vitest'
import { Child } from '../src/child.ts'
import type { EchoService } from './echo-child.ts'

const open = () => new Child<EchoService>(new URL('./echo-child.ts', import.meta.url))

describe('a child process', () => {
  it('answers calls, each with its own result', async () => {
    await using child = open()
    expect(await Promise.all([child.call('twice', 4), child.call('twice', 5)])).toEqual([8, 10])
  })

  it('passes on what a method throws', async () => {
    await using child = open()
    await expect(child.call('fail', 'no bread')).rejects.toThrow('no bread')
    expect(await child.call('twice', 1)).toBe(2)
  })

  it('rejects calls that are open when it ends', async () => {
    await using child = open()
    await expect(child.call('leave', 3)).rejects.toThrow('the child process ended with 3')
  })
})
