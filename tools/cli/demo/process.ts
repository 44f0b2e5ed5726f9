import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** One line of a command's `--json` output. */
export interface CliEvent {
  readonly event: string
  readonly [field: string]: unknown
}

const running = new Set<ChildProcess>()

/** Leaves nothing behind, whatever went wrong. */
export function killAll(): void {
  for (const child of running) child.kill('SIGKILL')
}

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url))
/** What Node makes of the sources, so that only the first process compiles them. */
const COMPILED = fileURLToPath(new URL('../node_modules/.cache/compiled', import.meta.url))
const DEADLINE_MS = 30_000

/** A command line client in a process of its own, with its events as they come. */
export class CliProcess {
  readonly #child: ChildProcess
  readonly #events: CliEvent[] = []
  readonly #waiting = new Set<() => void>()
  readonly exited: Promise<number | null>
  #ended = false
  #errors = ''

  constructor(data: string, args: readonly string[]) {
    this.#child = spawn(
      process.execPath,
      ['--conditions=@vestibule/source', MAIN, '--json', '--data', data, ...args],
      { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, NODE_COMPILE_CACHE: COMPILED } },
    )
    running.add(this.#child)
    const { stdout, stderr } = this.#child
    if (stdout === null || stderr === null) throw new Error('the process has no output')
    stderr.on('data', (chunk: Buffer) => {
      this.#errors += chunk.toString()
    })
    createInterface({ input: stdout }).on('line', (line) => {
      this.#events.push(JSON.parse(line) as CliEvent)
      this.#wake()
    })
    this.exited = new Promise((resolve) => {
      this.#child.on('close', (code) => {
        this.#ended = true
        running.delete(this.#child)
        this.#wake()
        resolve(code)
      })
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get events(): readonly CliEvent[] {
    return this.#events
  }

  /** The first event that fits, of those that came already or within the deadline. */
  async event(name: string, fits: (event: CliEvent) => boolean = () => true): Promise<CliEvent> {
    const deadline = AbortSignal.timeout(DEADLINE_MS)
    for (;;) {
      const found = this.#events.find((one) => one.event === name && fits(one))
      if (found !== undefined) return found
      if (this.#ended || deadline.aborted)
        throw new Error(
          `no ${name} from the process; it said ${JSON.stringify(this.#events)} ${this.#errors}`,
        )
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiting.delete(wake)
          deadline.removeEventListener('abort', wake)
          resolve()
        }
        this.#waiting.add(wake)
        deadline.addEventListener('abort', wake, { once: true })
      })
    }
  }

  /** What a person would type. */
  type(line: string): void {
    this.#child.stdin?.write(`${line}\n`)
  }

  /** Waits for the end. @throws Error when it did not end with the expected exit code */
  async done(expected = 0): Promise<readonly CliEvent[]> {
    this.#child.stdin?.end()
    const code = await this.exited
    if (code !== expected)
      throw new Error(
        `exit code ${code}, expected ${expected}: ${JSON.stringify(this.#events)} ${this.#errors}`,
      )
    return this.#events
  }

  stop(signal: 'SIGINT' | 'SIGKILL'): Promise<number | null> {
    this.#child.kill(signal)
    return this.exited
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake()
  }
}

/** Runs a command to its end. */
export const cli = (data: string, ...args: readonly string[]): Promise<readonly CliEvent[]> =>
  new CliProcess(data, args).done()
