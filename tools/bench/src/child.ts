import { type ChildProcess, fork } from 'node:child_process'

/** What a child process offers: methods whose arguments and results are plain JSON. */
export type Service<S> = { readonly [K in keyof S]: (...args: never[]) => Promise<unknown> }

interface Call {
  readonly id: number
  readonly method: string
  readonly args: readonly unknown[]
}

type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: string }

/** A child process that serves `S`. Disposing of it ends the process and waits for that. */
export class Child<S extends Service<S>> implements AsyncDisposable {
  readonly #process: ChildProcess
  readonly #ended: Promise<void>
  readonly #pending = new Map<number, PromiseWithResolvers<unknown>>()
  #nextId = 1

  /** @param module what the child runs; it has to call {@link serve} */
  constructor(module: URL) {
    // Standard output is for the report alone, so what a child prints goes to standard error.
    this.#process = fork(module, { stdio: ['ignore', 2, 2, 'ipc'] })
    this.#process.on('message', (message) => this.#settle(message as Reply))
    this.#process.on('error', (error) => this.#fail(error))
    this.#ended = new Promise((resolve) => {
      this.#process.once('exit', (code) => {
        this.#fail(new Error(`the child process ended with ${code ?? 'a signal'}`))
        resolve()
      })
    })
  }

  /** Rejects with the text of what the method threw, or when the process ends before it answers. */
  call<K extends keyof S & string>(method: K, ...args: Parameters<S[K]>): Promise<Awaited<ReturnType<S[K]>>> {
    const id = this.#nextId++
    const settled = Promise.withResolvers<unknown>()
    this.#pending.set(id, settled)
    const call: Call = { id, method, args }
    this.#process.send(call, (error) => {
      if (error !== null) settled.reject(error)
    })
    return settled.promise as Promise<Awaited<ReturnType<S[K]>>>
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.connected) this.#process.disconnect()
    await this.#ended
  }

  #settle(reply: Reply): void {
    const settled = this.#pending.get(reply.id)
    this.#pending.delete(reply.id)
    if ('error' in reply) settled?.reject(new Error(reply.error))
    else settled?.resolve(reply.value)
  }

  #fail(error: Error): void {
    for (const { reject } of this.#pending.values()) reject(error)
    this.#pending.clear()
  }
}

/** The child's side: answers calls until the parent goes, and ends the process with it. */
export function serve<S extends Service<S>>(service: S): void {
  const methods = new Map<string, (...args: never[]) => Promise<unknown>>(Object.entries(service))
  process.on('message', ({ id, method, args }: Call) => {
    const run = methods.get(method)
    const reply = (reply: Reply): void => void process.send?.(reply)
    if (run === undefined) return reply({ id, error: `no method ${method}` })
    run(...(args as never[])).then(
      (value) => reply({ id, value }),
      (error: unknown) => reply({ id, error: error instanceof Error ? (error.stack ?? '') : String(error) }),
    )
  })
  process.once('disconnect', () => process.exit())
}
