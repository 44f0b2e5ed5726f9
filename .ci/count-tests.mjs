// Adds up the reports that Vitest left: node count-tests.mjs <folder of reports> <exit status of the run>
// Prints "<passed> <failed>"; what it says about each package goes to standard error.
// Plain JavaScript, for whatever Node.js the machine has.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const [reports = '', status = '1'] = process.argv.slice(2)
const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'))

const folders = ['packages', 'tools'].flatMap((group) =>
  readdirSync(group)
    .map((name) => ({ name, path: join(group, name) }))
    .filter(({ path }) => existsSync(join(path, 'package.json')))
    .filter(({ path }) => readJson(join(path, 'package.json')).scripts?.test),
)

/** Tests that failed, and files that failed before any test of theirs did. */
const failuresOf = (report) => {
  const files = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  )
  const failures = report.numFailedTests + files.length
  // An error outside of all tests fails the run, too.
  return failures === 0 && !report.success ? 1 : failures
}

let passed = 0
let failed = 0
for (const { name, path } of folders) {
  const file = join(reports, `${name}.json`)
  if (!existsSync(file)) {
    failed += 1
    console.error(`FAILED ${path}: its tests left no report`)
    continue
  }
  const report = readJson(file)
  const failures = failuresOf(report)
  passed += report.numPassedTests
  failed += failures
  const leftOut = report.numPendingTests + report.numTodoTests
  console.error(
    `${failures === 0 ? 'passed' : 'FAILED'} ${path}: ${report.numPassedTests} passed, ${failures} failed${leftOut ? `, ${leftOut} left out` : ''}`,
  )
}
if (status !== '0' && failed === 0) failed = 1
console.log(`${passed} ${failed}`)
