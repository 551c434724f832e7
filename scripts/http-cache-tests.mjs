// Counts the results of scripts/http-cache-tests, and names what failed. Its exit code is 1 where a
// required test has failed.
//
//     node scripts/http-cache-tests.mjs FOLDER RESULTS.json
import fs from 'node:fs'
import path from 'node:path'

const [folder, file] = process.argv.slice(2)
const load = (name) => import(path.resolve(folder, name))
const { default: suites } = await load('tests/index.mjs')
const { determineTestResult, resultTypes } = await load('test-engine/lib/results.mjs')
const results = JSON.parse(fs.readFileSync(file, 'utf8'))
const names = Object.fromEntries(Object.entries(resultTypes).map(([name, [, , symbol]]) => [symbol, name]))

const counts = {}
let passed = 0
let run = 0
let failed = 0
for (const test of suites.flatMap((suite) => suite.tests)) {
  const result = results[test.id]
  if (result === undefined) continue
  run += 1
  const kind = test.kind ?? 'required'
  const outcome = names[determineTestResult(suites, test.id, results)[2]]
  counts[`${kind}: ${outcome}`] = (counts[`${kind}: ${outcome}`] ?? 0) + 1
  if (result === true) passed += 1
  else console.log(`${kind.padEnd(9)} ${outcome.padEnd(16)} ${test.id}: ${[].concat(result).join(': ')}`)
  if (kind === 'required' && result !== true) failed += 1
}
console.log(`\n${passed} of ${run}`)
for (const [name, count] of Object.entries(counts).sort()) console.log(`  ${name} ${count}`)
process.exit(failed > 0 ? 1 : 0)
