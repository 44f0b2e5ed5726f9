import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import ts from 'typescript'
import type { Example } from './examples.ts'
import { repositoryRoot } from './repository.ts'

/** How long an example may run. */
export const RUN_LIMIT_MS = 30_000

/** Inside this package, whose devDependencies are the packages that examples import. Not tracked. */
const EXAMPLES = join(repositoryRoot, 'tools/check/.examples')

/** Examples written out as programs, each in a fresh folder of its own. */
export interface ExampleFiles extends Disposable {
  readonly folder: string
  readonly programs: ReadonlyMap<Example, string>
}

/** Writes the examples to disk; disposing of the result removes them and whatever they wrote. */
export function writeExamples(examples: readonly Example[]): ExampleFiles {
  mkdirSync(EXAMPLES, { recursive: true })
  const folder = mkdtempSync(join(EXAMPLES, 'run-'))
  const programs = new Map(
    examples.map((example, index) => {
      const home = join(folder, String(index))
      mkdirSync(home)
      const program = join(home, 'main.ts')
      writeFileSync(program, example.code)
      return [example, program]
    }),
  )
  return { folder, programs, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) }
}

/** Type-checks all examples at once, as the workspace checks itself. One line for each error. */
export function typeErrors({ programs }: ExampleFiles): string[] {
  const config = ts.readConfigFile(join(repositoryRoot, 'tsconfig.base.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, repositoryRoot)
  const byProgram = new Map([...programs].map(([example, program]) => [program, example]))
  const program = ts.createProgram([...byProgram.keys()], {
    ...options,
    // An example may name something only to show it, and is a module even if it imports nothing.
    noUnusedLocals: false,
    noUnusedParameters: false,
    moduleDetection: ts.ModuleDetectionKind.Force,
    typeRoots: [join(repositoryRoot, 'node_modules/@types')],
  })
  return ts.getPreEmitDiagnostics(program).map((diagnostic) => {
    const text = ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n')
    const { file, start } = diagnostic
    if (!file || start === undefined) return text
    const line = file.getLineAndCharacterOfPosition(start).line + 1
    const example = byProgram.get(file.fileName)
    return example
      ? `${example.file}:${example.line + line}: ${text}`
      : `${relative(repositoryRoot, file.fileName)}:${line}: ${text}`
  })
}

/**
 * Runs one example under the Node that runs this, against the sources of the packages.
 * @returns what is wrong, with file, line and all that it printed, or undefined after a clean end
 */
export async function runExample(
  example: Example,
  program: string,
  limitMs = RUN_LIMIT_MS,
): Promise<string | undefined> {
  const child = spawn(process.execPath, ['--conditions=@vestibule/source', 'main.ts'], {
    cwd: join(program, '..'),
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += String(data)))
  let late = false
  const timer = setTimeout(() => {
    late = true
    child.kill('SIGKILL')
  }, limitMs)
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  clearTimeout(timer)
  if (late) return `${example.file}:${example.line}: the example still ran after ${limitMs} ms\n${output}`
  return code === 0 ? undefined : `${example.file}:${example.line}: the example ended with ${code}\n${output}`
}
