import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { build } from 'esbuild'
import { CHROMIUM_FLAGS, chromium } from './machine.base.ts'

/**
 * What a bundler makes of a module for a browser. It knows no module of Node there, and fails on one.
 * @param from the folder whose packages it imports
 */
export async function bundled(source: string, from: string) {
  const { outputFiles, metafile, warnings } = await build({
    stdin: { contents: source, resolveDir: from },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    conditions: ['@vestibule/source'],
    metafile: true,
    write: false,
    logLevel: 'silent',
  })
  const inputs = Object.values(metafile.outputs).flatMap((output) =>
    Object.entries(output.inputs).flatMap(([path, input]) => (input.bytesInOutput > 0 ? [path] : [])),
  )
  return { text: outputFiles[0]?.text ?? '', inputs, warnings }
}

/** A page that a test serves: what it tells by a POST to `/what` is emitted as `what`; `/failed` is an error. */
export async function servePage(
  script: string,
  from: string,
): Promise<{ told: EventEmitter; origin: string } & AsyncDisposable> {
  const { text } = await bundled(script, from)
  const told = new EventEmitter()
  const server = createServer(async (request, response) => {
    response.setHeader('content-type', 'text/html')
    if (request.method === 'GET') return response.end(`<script type="module">${text}</script>`)
    const body = Buffer.concat(await request.toArray())
    response.end()
    const value: unknown = JSON.parse(body.toString())
    if (request.url === '/failed') told.emit('error', new Error(String(value)))
    else told.emit(String(request.url), value)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    told,
    // A page of this machine may use WebCrypto and Web Locks without HTTPS.
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** A browser with a profile that outlives it. To dispose of it is to kill it. */
export function browse(url: string, profile: string): AsyncDisposable {
  const flags = [...CHROMIUM_FLAGS, '--headless', '--remote-debugging-port=0', `--user-data-dir=${profile}`]
  // A group of its own, so that all its processes are killed at once.
  const browser = spawn(chromium() as string, [...flags, url], { detached: true, stdio: 'ignore' })
  return {
    [Symbol.asyncDispose]: async () => {
      const group = -(browser.pid as number)
      const exit = once(browser, 'exit')
      process.kill(group, 'SIGKILL')
      await exit
      // The one that writes may outlive the first by a moment, and the next browser would find it at the same files.
      while (isThere(group)) await new Promise((resolve) => setTimeout(resolve, 5))
    },
  }
}

function isThere(group: number): boolean {
  try {
    return process.kill(group, 0)
  } catch {
    return false
  }
}

/**
 * Lets a page write in browsers of one profile that are killed, after 1, 5 and 20 more acknowledgements.
 * @param event what the page tells of each, with a number that rises from one on
 * @returns the last number that was told
 */
export async function writeAndBeKilled(
  { told, origin }: { readonly told: EventEmitter; readonly origin: string },
  profile: string,
  event: string,
): Promise<number> {
  let last = 0
  told.on(event, (n: number) => {
    last = Math.max(last, n)
  })
  for (const more of [1, 5, 20]) {
    const until = last + more
    await using _ = browse(`${origin}/fill`, profile)
    while (last < until) await once(told, event)
  }
  return last
}
