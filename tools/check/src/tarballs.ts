/**
 * Packs every publishable package as it would be published, looks at what is in the tarball, puts the
 * unpacked packages beside each other as an installation would, and loads every public entry with Node.
 * Needs a build; needs no network.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Finding, formatFinding, lineOf } from './finding.ts'
import { listFiles, readFiles, repositoryRoot } from './repository.ts'
import { type Contents, contentFindings } from './tarball-contents.ts'
import { isWorkspaceFile, type Manifest, type Package, readWorkspace } from './workspace.ts'

interface Packed {
  readonly one: Package
  readonly folder: string
  readonly contents: Contents
}

function pack(one: Package, installation: string): Packed {
  const folder = join(installation, one.manifest.name)
  mkdirSync(folder, { recursive: true })
  const tarball = join(installation, `${one.manifest.name.replaceAll('/', '-')}.tgz`)
  execFileSync('pnpm', ['pack', '--out', tarball, '--config.ignore-scripts=true'], {
    cwd: join(repositoryRoot, one.folder),
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  })
  execFileSync('tar', ['-xzf', tarball, '-C', folder, '--strip-components=1'])
  const texts = listFiles(folder, new Set()).map(
    (path) => [path, readFileSync(join(folder, path), 'utf8')] as const,
  )
  return { one, folder, contents: new Map(texts) }
}

/** Links what the package declares from where the workspace has it, and nothing else. */
function linkDependencies({ one, contents }: Packed, installation: string): void {
  const manifest = JSON.parse(contents.get('package.json') ?? '{}') as Manifest
  for (const name of Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })) {
    const link = join(installation, one.manifest.name, 'node_modules', name)
    const own = join(installation, name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(existsSync(own) ? own : installed(one, name), link, 'dir')
  }
}

function installed(one: Package, name: string): string {
  const paths = createRequire(join(repositoryRoot, one.folder, 'package.json')).resolve.paths(name) ?? []
  const found = paths.map((path) => join(path, name)).find((path) => existsSync(path))
  if (!found) throw new Error(`${one.folder}: ${name} is not installed`)
  return realpathSync(found)
}

/** The lines that load each entry, as a user's program would write them. */
function loadFindings({ one, folder, contents }: Packed): Finding[] {
  const manifest = JSON.parse(contents.get('package.json') ?? '{}') as Manifest & {
    bin?: Record<string, string>
  }
  const load = Object.entries(manifest.exports ?? {})
    .filter(([subpath, target]) => typeof target === 'object' && !subpath.includes('*'))
    .map(([subpath]) => join(manifest.name, subpath).replaceAll('\\', '/'))
    .map((specifier) => [specifier, ['--input-type=module', '-e', `await import('${specifier}')`]] as const)
  const start = Object.values(manifest.bin ?? {}).map(
    (file) => [file, [join(folder, file), '--help']] as const,
  )
  return [...load, ...start].flatMap(([what, args]) => {
    const run = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8', timeout: 60_000 })
    if (run.status === 0) return []
    const line = lineOf(one.manifestText, what.replace(manifest.name, '.'))
    const message = `${what} can't be loaded from the tarball: ${run.stderr.trim()}`
    return [{ file: `${one.folder}/package.json`, line, message, rule: 'tarball' }]
  })
}

// One level of node_modules, so that a package finds itself by its name as it does when it is installed.
const home = mkdtempSync(join(tmpdir(), 'vestibule-tarballs-'))
const installation = join(home, 'node_modules')
try {
  const publishable = readWorkspace(readFiles(repositoryRoot, isWorkspaceFile)).packages.filter(
    ({ manifest }) => manifest.private !== true,
  )
  const packed = publishable.map((one) => pack(one, installation))
  for (const one of packed) linkDependencies(one, installation)
  const findings = packed.flatMap((one) => [
    ...contentFindings(one.one.folder, one.contents),
    ...loadFindings(one),
  ])
  for (const finding of findings) console.log(formatFinding(finding))
  for (const { one, contents } of packed)
    console.log(`${one.manifest.name}: ${contents.size} files in its tarball`)
  process.exitCode = findings.length === 0 && packed.length > 0 ? 0 : 1
} finally {
  rmSync(home, { recursive: true, force: true })
}
