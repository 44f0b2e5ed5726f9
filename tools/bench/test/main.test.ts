import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url))

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function bench(...args: string[]): Promise<Ended> {
  const child = spawn(process.execPath, ['--conditions=@vestibule/source', MAIN, ...args])
  const out = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    out.stderr += text
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, ...out }))
  })
}

const time = { median: expect.any(Number), p95: expect.any(Number), min: expect.any(Number), n: 2 }

describe('bench invite', () => {
  it('prints one JSON object and nothing else, after invitations that succeed at both ends', async () => {
    const { code, stdout, stderr } = await bench('invite', '--json', '--runs', '2')
    expect(stdout.split('\n'), stderr).toHaveLength(2)
    expect(JSON.parse(stdout)).toEqual({
      name: 'invite',
      node: process.version,
      machine: { cores: expect.any(Number), cpu: expect.any(String) },
      ok: true,
      floor: time,
      none: time,
      code: time,
      knownKey: time,
      warm: time,
      device: time,
    })
    expect(code).toBe(0)
  })

  it('prints a table with its aims for people', async () => {
    const { code, stdout } = await bench('invite', '--runs', '1')
    expect(stdout).toMatch(/^floor .* 1\.00$/m)
    expect(stdout).toMatch(/met +none ≤ 1\.5 × floor/)
    expect(stdout).toMatch(/met +code ≤ floor \+ 8 ms/)
    expect(stdout).toMatch(/^none: writes of the host \d+ transactions \+ \d+ keys, of the guest \d+/m)
    expect(code).toBe(0)
  })
})

describe('bench verify', () => {
  it('prints one JSON object and nothing else, after verifying what is genuine', async () => {
    const { code, stdout, stderr } = await bench('verify', '--json', '--runs', '1')
    expect(stdout.split('\n'), stderr).toHaveLength(2)
    const rate = expect.any(Number)
    const rates = { native: rate, single: rate, bulk: rate, nativeRatio: rate }
    expect(JSON.parse(stdout)).toEqual({
      name: 'verify',
      node: process.version,
      machine: { cores: expect.any(Number), cpu: expect.any(String) },
      ok: true,
      ...{ ...rates, backend: 'sodium' },
      without: { ...rates, backend: 'node' },
    })
    expect(code).toBe(0)
  })
})

describe('a command that makes no sense', () => {
  it.each([
    [['faster'], 'there is no benchmark "faster"'],
    [['invite', 'invite'], 'one name at most'],
    [['invite', '--runs', 'many'], '--runs takes a number'],
    [['invite', '--loud'], '--loud'],
  ])('%j ends with 2, and says why on standard error', async (args, why) => {
    const { code, stdout, stderr } = await bench(...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(why)
    expect(stderr).toContain('usage: pnpm bench [name]')
  })
})
