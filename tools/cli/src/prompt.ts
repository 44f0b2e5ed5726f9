import { createInterface, type Interface } from 'node:readline'

/** Asks one question after another on a terminal, or reads an answer a line from a pipe. */
export interface Prompt {
  /** @returns the answer, or `undefined` when the input has ended */
  ask(question: string, options: { signal: AbortSignal }): Promise<string | undefined>
  close(): void
}

export function makePrompt(
  input: NodeJS.ReadableStream = process.stdin,
  output: NodeJS.WritableStream = process.stderr,
): Prompt {
  // Opened with the first question: a command that asks nothing must not keep standard input open.
  let reader: Interface | undefined
  let lines: AsyncIterator<string> | undefined
  return {
    async ask(question, { signal }) {
      reader ??= createInterface({ input, terminal: false })
      lines ??= reader[Symbol.asyncIterator]()
      output.write(question)
      const aborted = Promise.withResolvers<undefined>()
      const abort = () => aborted.resolve(undefined)
      signal.addEventListener('abort', abort, { once: true })
      try {
        const answer = await Promise.race([lines.next(), aborted.promise])
        return answer === undefined || answer.done === true ? undefined : answer.value
      } finally {
        signal.removeEventListener('abort', abort)
      }
    },
    close: () => reader?.close(),
  }
}
