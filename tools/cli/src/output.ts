import type { Writable } from 'node:stream'

/**
 * Where commands say what happens: sentences for a person, or one JSON object a line for a script (`--json`).
 * Results go to standard output, progress and errors to standard error.
 */
export interface Output {
  readonly json: boolean
  /** A result: `text` for people, `{ event, … }` for scripts. */
  result(event: string, data: Readonly<Record<string, unknown>>, text: string): void
  /** What is being waited for; replaces the line before on a terminal. */
  status(event: string, data: Readonly<Record<string, unknown>>, text: string): void
  error(code: string, text: string): void
  /** Ends the status line. */
  done(): void
}

export function makeOutput(
  json: boolean,
  out: Writable = process.stdout,
  err: Writable & { isTTY?: boolean } = process.stderr,
): Output {
  const live = err.isTTY === true
  let open = false
  const endStatus = () => {
    if (open) err.write('\n')
    open = false
  }
  if (json) {
    const line = (value: unknown) => out.write(`${JSON.stringify(value)}\n`)
    return {
      json,
      result: (event, data) => line({ event, ...data }),
      status: (event, data) => line({ event, ...data }),
      error: (code, message) => line({ event: 'error', code, message }),
      done: () => undefined,
    }
  }
  return {
    json,
    result: (_event, _data, text) => {
      endStatus()
      out.write(`${text}\n`)
    },
    status: (_event, _data, text) => {
      err.write(live ? `\r\x1b[2K${text}` : `${text}\n`)
      open = live
    },
    error: (_code, text) => {
      endStatus()
      err.write(`${text}\n`)
    },
    done: endStatus,
  }
}

/** Shows what another person wrote without letting it move the cursor, ring or recolour the terminal. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is taken out
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, '\ufffd')
}
