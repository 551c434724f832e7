// Counts the results of scripts/http-cache-tests, and names what failed. Its exit code is 1 where a
// required test has failed, but for those that cannot begin because the gateway refuses what they
// begin with: REFUSED says which, and why.
//
//     node scripts/http-cache-tests.mjs FOLDER RESULTS.json
import fs from 'node:fs'
import path from 'node:path'

// A test that is only prepared by such an answer is no verdict on the cache: its result is `Setup`, with 502.
const REFUSED = {
  'headers-store-Transfer-Encoding':
    'the origin answers in a transfer coding nobody asked for, and unencoded; passed on, it would be taken ' +
    'for the content (RFC 9112 section 6.1)'
}

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
  const refused = REFUSED[test.id] && outcome === 'setup_fail' && /status is 502/.test(result[1])
  if (refused) console.log(`${' '.repeat(27)}meant: ${REFUSED[test.id]}`)
  if (kind === 'required' && result !== true && !refused) failed += 1
}
console.log(`\n${passed} of ${run}`)
for (const [name, count] of Object.entries(counts).sort()) console.log(`  ${name} ${count}`)
process.exit(failed > 0 ? 1 : 0)
